"""The files for a cluster are valid, complete, and fit what comfyd and NATS require."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml  # type: ignore[import-untyped]  # its types are another package

from app.cli.main import main
from infra.settings.settings import SETTING_NAMES
from tests.builders.settings import PASSED_ON
from tests.deploy.files import (
    KUBERNETES,
    OLDEST_KUBERNETES,
    PROCESSES,
    SECRETS,
    SETTINGS,
    Manifest,
    cluster_services,
    env_file,
    kustomization,
    manifest,
    manifests,
    pods,
)
from tests.servers.containers import DEPLOY, compose

OF_THE_CONTAINER = {
    "COMFYD_HOST",
    "COMFYD_PORT",
    "COMFYD_PLUGIN_PORT",
    "COMFYD_DATA",
    "COMFYD_INTERNAL_HOST",
}
NOT_OURS = {"SSL_CERT_FILE", "NATS_PASSWORD"}
"""What Python reads, and what is a part of NATS_URL; comfyd has no such settings."""


@pytest.mark.parametrize("name", ["compose.yaml", "compose.cluster.yaml"])
def test_compose_files_are_as_the_specification_says(name: str) -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    command: list[str | Path] = [checker, "--builtin-schema", "vendor.compose-spec", DEPLOY / name]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("version", [OLDEST_KUBERNETES, kubernetes_validate.latest_version()])
def test_manifests_are_as_kubernetes_says(version: str) -> None:
    for found in manifests():
        kubernetes_validate.validate(found, version, strict=True)


def test_a_manifest_with_a_misspelt_field_is_found() -> None:
    wrong = manifest("StatefulSet", "nats")
    wrong["spec"]["podManagmentPolicy"] = "Parallel"
    with pytest.raises(kubernetes_validate.ValidationError, match="podManagmentPolicy"):
        kubernetes_validate.validate(wrong, OLDEST_KUBERNETES, strict=True)


def test_every_manifest_is_used() -> None:
    files = {f"kubernetes/{file.name}" for file in KUBERNETES.glob("*.yaml")}
    assert files == set(kustomization()["resources"])


def test_every_setting_passes_through_every_file() -> None:
    settings = (SETTING_NAMES | PASSED_ON) - OF_THE_CONTAINER
    for name in (*PROCESSES, "migrate"):
        assert cluster_services()[name]["environment"].keys() - NOT_OURS == settings, name
        assert compose()["services"][name]["environment"].keys() == settings, name
        [container] = pods()[name]["containers"]
        own = {variable["name"] for variable in container["env"]}
        shared = env_file(SETTINGS.read_text("utf-8")).keys()
        secret = env_file(SECRETS.read_text("utf-8")).keys()
        assert container["envFrom"] == [
            {"configMapRef": {"name": "comfyd-settings"}},
            {"secretRef": {"name": "comfyd-secrets"}},
        ]
        assert (own | shared | secret) - NOT_OURS == settings, name
        assert shared & secret == set()


def test_every_variable_of_the_cluster_is_in_the_example() -> None:
    example = (DEPLOY / "env.example").read_text("utf-8")
    named = set(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE))
    used = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.cluster.yaml").read_text("utf-8")))
    assert used - named == {"SPACES_CDN_FORCE_PATH_STYLE"}  # it has a default


def test_both_compose_files_run_the_same_image_with_the_same_defaults() -> None:
    one, cluster = compose()["services"], cluster_services()
    for name in (*PROCESSES, "migrate", "token"):
        ours, theirs = one[name], cluster[name]
        own = {"NATS_URL", "POSTGRES_URL", "COMFYD_REPLICAS", *NOT_OURS}
        assert {k: v for k, v in theirs["environment"].items() if k not in own} == {
            k: v for k, v in ours["environment"].items() if k not in own
        }
        different = {"environment", "depends_on", "deploy", "ports", "volumes", "command"}
        assert {k: v for k, v in theirs.items() if k not in different} == {
            k: v for k, v in ours.items() if k not in different
        }


def test_there_are_two_of_each_process_and_three_servers() -> None:
    services = cluster_services()
    assert {name: services[name]["deploy"]["replicas"] for name in PROCESSES} == dict.fromkeys(
        PROCESSES, 2
    )
    assert {name for name in services if name.startswith("nats")} == {"nats-1", "nats-2", "nats-3"}
    assert manifest("StatefulSet", "nats")["spec"]["replicas"] == 3
    for name in PROCESSES:
        assert manifest("Deployment", name)["spec"]["replicas"] == 2


def test_every_process_runs_a_command_that_exists() -> None:
    assert isinstance(main, click.Group)
    for name in (*PROCESSES, "migrate"):
        [container] = pods()[name]["containers"]
        assert container["args"][0] == name
        assert name in main.commands


def test_nothing_gets_more_rights_than_it_needs() -> None:
    for name, pod in pods().items():
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_variables_of_services_are_not_taken_for_settings() -> None:
    # COMFYD_PORT=tcp://… of a Service that is called comfyd would stop every process.
    assert {name: pod["enableServiceLinks"] for name, pod in pods().items()} == dict.fromkeys(
        pods(), False
    )


def test_ports_that_are_named_are_there() -> None:
    named = {
        name: {port["name"] for c in pod["containers"] for port in c.get("ports", ())}
        for name, pod in pods().items()
    }
    for found in manifests():
        if found["kind"] == "Service":
            wanted = {port["targetPort"] for port in found["spec"]["ports"]}
            assert wanted <= named[found["spec"]["selector"]["app.kubernetes.io/name"]]
    for name, pod in pods().items():
        for container in pod["containers"]:
            probes = (
                container.get(f"{kind}Probe") for kind in ("startup", "liveness", "readiness")
            )
            asked = {p["httpGet"]["port"] for p in probes if p and "httpGet" in p}
            assert asked <= named[name]
    internal = env_file(SETTINGS.read_text("utf-8"))["COMFYD_INTERNAL_PORT"]
    for name in PROCESSES:
        [container] = pods()[name]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert str(ports["internal"]) == internal


def test_selectors_find_the_pods_they_are_for() -> None:
    labels = {
        m["metadata"]["name"]: m["spec"]["template"]["metadata"]["labels"]
        for m in manifests()
        if "template" in m.get("spec", {})
    }
    for found in manifests():
        if found["kind"] in {"Deployment", "StatefulSet", "PodDisruptionBudget"}:
            wanted = found["spec"]["selector"]["matchLabels"]
            assert wanted.items() <= labels[found["metadata"]["name"]].items()
    assert {label["app.kubernetes.io/part-of"] for label in labels.values()} == {"comfyd"}


def test_a_disruption_takes_one_at_a_time() -> None:
    budgets = {
        m["metadata"]["name"]: m["spec"]["maxUnavailable"]
        for m in manifests()
        if m["kind"] == "PodDisruptionBudget"
    }
    assert budgets == dict.fromkeys(("nats", *PROCESSES), 1)


def test_nats_has_time_to_leave() -> None:
    configuration = (DEPLOY / "nats-cluster.conf").read_text("utf-8")
    [seconds] = re.findall(r'^lame_duck_duration: "(\d+)s"$', configuration, re.MULTILINE)
    assert pods()["nats"]["terminationGracePeriodSeconds"] > int(seconds)
    for name in ("nats-1", "nats-2", "nats-3"):
        service = cluster_services()[name]
        assert service["stop_signal"] == "SIGUSR2"
        assert int(service["stop_grace_period"].removesuffix("s")) > int(seconds)


def test_what_is_mounted_is_made() -> None:
    """Secrets are made by hand; certificates.sh names their files."""
    of_nats = {"comfyd-secrets", "nats-secrets", "nats-configuration", "nats-tls"}
    assert mounted(pods()["nats"]) == of_nats
    for name in (*PROCESSES, "migrate"):
        assert mounted(pods()[name]) == {"comfyd-settings", "comfyd-secrets", "nats-tls"}
    made = {each["name"] for each in kustomization()["configMapGenerator"]}
    offered = {"comfyd-dashboard", "comfyd-alerts"}  # to who watches
    assert made == {"comfyd-settings", "nats-configuration"} | offered
    for each in kustomization()["configMapGenerator"]:
        for file in (*each.get("files", ()), *each.get("envs", ())):
            assert (DEPLOY / file).is_file()


def mounted(pod: Manifest) -> set[str]:
    """Return the names of the ConfigMaps and Secrets that a pod needs."""

    def names(node: Any) -> set[str]:
        if isinstance(node, list):
            return {name for each in node for name in names(each)}
        if not isinstance(node, dict):
            return set()
        own = {
            node[key].get("name") or node[key].get("secretName")
            for key in ("configMapRef", "secretRef", "secretKeyRef", "configMap", "secret")
            if key in node
        }
        return own | {name for each in node.values() for name in names(each)}

    return names(pod)


def test_monitoring_is_an_option_that_mounts_what_there_is() -> None:
    services = cluster_services()
    optional = {name for name in services if "monitoring" in services[name].get("profiles", ())}
    assert optional == {"prometheus", "grafana"}
    for name in optional:
        files = [v.split(":")[0] for v in services[name]["volumes"] if v.startswith(".")]
        assert files
        assert [file for file in files if not (DEPLOY / file).exists()] == []
        assert [port.split(":")[0] for port in services[name]["ports"]] == ["127.0.0.1"]
    [scraped] = yaml.safe_load((DEPLOY / "prometheus" / "cluster.yml").read_text("utf-8"))[
        "scrape_configs"
    ]
    [found] = scraped["dns_sd_configs"]
    assert tuple(found["names"]) == PROCESSES
    port = services["api"]["environment"]["COMFYD_INTERNAL_PORT"]
    assert port == f"${{COMFYD_INTERNAL_PORT:-{found['port']}}}"
