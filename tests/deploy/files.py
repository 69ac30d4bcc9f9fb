"""The files of a cluster, as Compose, kustomize and Kubernetes read them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml  # type: ignore[import-untyped]  # its types are another package

from tests.servers.containers import DEPLOY, compose

KUBERNETES = DEPLOY / "kubernetes"
SECRETS = KUBERNETES / "secrets.env.example"
NATS_SECRETS = KUBERNETES / "nats-secrets.env.example"
SETTINGS = KUBERNETES / "settings.env"
PAGE = DEPLOY.parent.parent / "docs" / "cluster.md"
"""What people type."""

OLDEST_KUBERNETES = "1.30"
"""What the manifests are held against, beside the newest."""

PROCESSES = ("api", "worker", "projector")

_REFERENCE = re.compile(r"\$\(([A-Z_]+)\)")
_VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::(?:-([^}]*)|\?))?\}")

Manifest = dict[str, Any]


def typed(language: str = "") -> list[str]:
    """Return the blocks of the page that are in this language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )


def cluster_services() -> dict[str, Manifest]:
    """Return the services of compose.cluster.yaml."""
    services: dict[str, Manifest] = compose("compose.cluster.yaml")["services"]
    return services


def manifests() -> Iterator[Manifest]:
    """Read every manifest that kustomization.yaml names."""
    for name in kustomization()["resources"]:
        yield from yaml.safe_load_all((DEPLOY / name).read_text("utf-8"))


def kustomization() -> Manifest:
    """Read kustomization.yaml."""
    read: Manifest = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text("utf-8"))
    return read


def manifest(kind: str, name: str) -> Manifest:
    """Return the one manifest of this kind and name."""
    [found] = (m for m in manifests() if (m["kind"], m["metadata"]["name"]) == (kind, name))
    return found


def pods() -> dict[str, Manifest]:
    """Return the specification of every pod, by the name of what makes it."""
    return {
        m["metadata"]["name"]: m["spec"]["template"]["spec"]
        for m in manifests()
        if "template" in m.get("spec", {})
    }


def env_file(text: str) -> dict[str, str]:
    """Read a file of settings, as kubectl and Compose do."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def container_environment(
    container: Manifest, settings: Mapping[str, str], secrets: Mapping[str, str], *, pod: str
) -> dict[str, str]:
    """Build the environment of a container, as the kubelet does.

    *settings* and *secrets* are what the ConfigMap and the Secret hold.
    """
    sources = {"configMapRef": settings, "secretRef": secrets}
    values: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        [kind] = source
        values |= sources[kind]
    for variable in container["env"]:
        given = variable.get("valueFrom", {})
        if "secretKeyRef" in given:
            value = secrets[given["secretKeyRef"]["key"]]
        elif "fieldRef" in given:
            value = {"metadata.name": pod}[given["fieldRef"]["fieldPath"]]
        else:
            value = _REFERENCE.sub(lambda found: values[found[1]], variable["value"])
        values[variable["name"]] = value
    return values


def service_environment(service: Manifest, variables: Mapping[str, str]) -> dict[str, str]:
    """Build the environment of a service, as Compose does from *variables* in .env."""

    def value(found: re.Match[str]) -> str:
        return variables.get(found[1]) or found[2] or ""

    return {name: _VARIABLE.sub(value, text) for name, text in service["environment"].items()}
