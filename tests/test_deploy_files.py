"""The files of infra/deploy fit together, and fit what comfyd requires of its servers."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import click
import msgspec
import pytest

from app.cli.main import main
from infra.embedded import nats_server
from infra.jetstream.analyst import ACCOUNTS
from infra.settings.settings import SETTING_NAMES, settings_from
from tests.builders.settings import PASSED_ON
from tests.servers.containers import DEPLOY, compose

ROOT = DEPLOY.parent.parent
OWN = {"api": "api", "worker": "worker", "projector": "projector", "migrate": "migrate"}
"""The command each of comfyd's services runs."""

VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::(?:-([^}]*)|\?))?\}")


@pytest.fixture(scope="module")
def services() -> Mapping[str, Any]:
    """Return the services of compose.yaml."""
    found: Mapping[str, Any] = compose()["services"]
    return found


def filled_in(text: str) -> str:
    """Put a value in the place of each variable, its default if it has one."""

    def value(found: re.Match[str]) -> str:
        if found[2] is not None:
            return found[2]
        if "ENDPOINT" in found[1]:
            return f"https://{found[1].lower().replace('_', '-')}.example"
        # 43 characters and the padding: long enough for a secret, and a Fernet key as well.
        return f"a-{found[1].lower()}-".ljust(43, "x") + "="

    return VARIABLE.sub(value, text)


def instructions(name: str) -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile that are called *name*, in order."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and line[0] != "#"]
    return [(word, rest) for word, rest in lines if word == name]


def test_each_part_of_comfyd_is_a_service(services: Mapping[str, Any]) -> None:
    commands = {name: services[name].get("command", ["api"]) for name in OWN}
    assert commands == {name: [command] for name, command in OWN.items()}


def test_every_command_of_the_services_exists(services: Mapping[str, Any]) -> None:
    assert isinstance(main, click.Group)
    own = [s for s in services.values() if s["image"] == "comfyd"]
    started = {s.get("command", ["api"])[0] for s in own}
    assert started <= set(main.commands)


def test_everything_is_published_on_loopback_only(services: Mapping[str, Any]) -> None:
    published = {name: s["ports"] for name, s in services.items() if "ports" in s}
    assert published == {
        "api": ["127.0.0.1:${COMFYD_PORT:-3000}:3000"],
        "seaweedfs": ["127.0.0.1:8333:8333"],
    }


def test_the_settings_of_the_services_are_complete_and_known(services: Mapping[str, Any]) -> None:
    for name in OWN:
        environment = services[name]["environment"]
        assert environment.keys() <= SETTING_NAMES | PASSED_ON
        settings_from({key: filled_in(value) for key, value in environment.items()})


def test_every_setting_can_be_set(services: Mapping[str, Any]) -> None:
    # Of the container, whose loopback no plugin reaches.
    fixed = {"COMFYD_HOST", "COMFYD_PORT", "COMFYD_DATA", "COMFYD_INTERNAL_HOST"}
    fixed |= {"COMFYD_PLUGIN_PORT"}
    for name in OWN:
        assert (SETTING_NAMES | PASSED_ON) - services[name]["environment"].keys() <= fixed


def test_the_example_names_the_defaults() -> None:
    example = (DEPLOY / "env.example").read_text("utf-8")
    named = dict(re.findall(r"^# (COMFYD_[A-Z_]+)=(.*)$", example, re.MULTILINE))
    environment = compose()["services"]["api"]["environment"]
    env = {key: filled_in(value) for key, value in environment.items()}
    assert len(named) > 10
    assert settings_from(env | named) == settings_from(env)


def test_every_variable_is_in_the_example() -> None:
    example = (DEPLOY / "env.example").read_text("utf-8")
    named = set(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE))
    used = {found[0] for found in VARIABLE.findall((DEPLOY / "compose.yaml").read_text("utf-8"))}
    assert used - named == {"COMFYD_PORT", "SPACES_CDN_FORCE_PATH_STYLE"}  # these have defaults
    # Compose itself reads the first; the others are for compose.cluster.yaml.
    assert named - used == {
        "COMPOSE_PROFILES",
        "NATS_ROUTE_PASSWORD",
        "POSTGRES_URL",
        "GRAFANA_PASSWORD",
    }


def test_services_wait_for_services_that_exist(services: Mapping[str, Any]) -> None:
    awaited = {name for s in services.values() for name in s.get("depends_on", {})}
    assert awaited == {"migrate", "nats", "postgres", "seaweedfs"}
    healthy = {
        name
        for s in services.values()
        for name, how in dict(s.get("depends_on") or {}).items()
        if how["condition"] == "service_healthy"
    }
    assert healthy == {name for name in services if "healthcheck" in services[name]} - OWN.keys()


def test_data_outlives_the_containers(services: Mapping[str, Any]) -> None:
    kept = [v.split(":")[0] for s in services.values() for v in s.get("volumes", [])]
    assert set(compose()["volumes"]) == {volume for volume in kept if not volume.startswith(".")}


def test_mounted_files_exist(services: Mapping[str, Any]) -> None:
    mounted = [v.split(":")[0] for s in services.values() for v in s.get("volumes", [])]
    assert [f for f in mounted if f.startswith(".")] == ["./nats.conf"]
    assert (DEPLOY / "nats.conf").is_file()


def test_the_identities_of_seaweedfs_let_everybody_read_and_one_write() -> None:
    content = Template(compose()["configs"]["s3"]["content"])
    identities = msgspec.json.decode(content.substitute(SPACES_KEY="k", SPACES_SECRET="s"))
    assert identities == {
        "identities": [
            {
                "name": "comfyd",
                "credentials": [{"accessKey": "k", "secretKey": "s"}],
                "actions": ["Admin"],
            },
            {"name": "anonymous", "actions": ["Read:comfyd"]},
        ]
    }


def test_nats_conf_says_what_the_embedded_server_says() -> None:
    required = ("sync_interval", "js_ack_fc_v2", "max_payload", "max_file_store")

    def said(config: str) -> dict[str, list[str]]:
        return {n: re.findall(rf'\b{n}: "?(\w+)', config) for n in required}

    embedded = nats_server._CONFIG.replace("{sync}", "always")
    deployed = (DEPLOY / "nats.conf").read_text("utf-8")
    assert said(deployed) == said(embedded)
    assert said(deployed) == {
        "sync_interval": ["always"],
        "js_ack_fc_v2": ["false"],
        "max_payload": ["1MB"],
        "max_file_store": ["1000TB"],
    }


def test_every_nats_has_the_accounts_of_comfyd_and_of_the_analyst() -> None:
    wanted = [line.strip() for line in ACCOUNTS.splitlines()]
    texts = [file.read_text("utf-8") for file in DEPLOY.rglob("*") if file.is_file()]
    configs = [text for text in texts if "sync_interval:" in text]
    assert configs
    for config in configs:
        lines = [line.strip() for line in config.splitlines()]
        start = lines.index(wanted[0])
        assert lines[start : start + len(wanted)] == wanted


def test_the_monitoring_port_of_nats_is_the_containers_alone() -> None:
    deployed = (DEPLOY / "nats.conf").read_text("utf-8")
    assert re.findall(
        r"^(?:http|https|http_port|monitor_port|https_port)\b.*$", deployed, re.MULTILINE
    ) == ['http: "127.0.0.1:8222"']
    assert "http:" not in nats_server._CONFIG


def test_the_image_runs_comfyd_as_an_ordinary_user() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    [(_, entrypoint)] = instructions("ENTRYPOINT")
    [(_, command)] = instructions("CMD")
    [(_, user)] = instructions("USER")
    assert msgspec.json.decode(entrypoint) == [*scripts]
    assert msgspec.json.decode(command) == ["api"]
    assert user.split(":")[0] not in {"root", "0"}


def test_the_image_listens_for_other_hosts_and_imports_nothing_from_where_it_runs() -> None:
    values = dict(pair.split("=", 1) for _, rest in instructions("ENV") for pair in rest.split())
    assert (values["COMFYD_HOST"], values["COMFYD_INTERNAL_HOST"]) == ("0.0.0.0", "0.0.0.0")
    assert values["PYTHONSAFEPATH"] == "1"
    assert values["PATH"].startswith("/opt/comfyd/bin:")


def test_what_the_image_copies_exists_and_is_sent_to_docker() -> None:
    sources = [
        source
        for _, rest in instructions("COPY")
        if not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]
    allowed = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert [s for s in sources if not (ROOT / s).exists()] == []
    assert [s for s in sources if f"!{s}" not in allowed] == []


def test_the_image_has_every_package_of_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = {Path(rest.split()[0]).name for _, rest in instructions("COPY")}
    assert set(packages) <= copied
