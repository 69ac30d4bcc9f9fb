"""Secrets among the settings: found wherever they stand, and refused where everybody knows them."""

import re
from collections.abc import Mapping

import click
import pytest
from click.testing import CliRunner

from app.__main__ import main as api
from consumers.__main__ import main as consumers
from infra.settings.invalid import SettingsInvalid
from infra.settings.secret import placeholders_in, secret_values
from infra.settings.settings import settings_from
from tests.builders.facts import SEAL_KEY
from tests.servers.containers import DEPLOY, compose

GOOD = {
    "NATS_URL": "nats://comfyd:n-4711@127.0.0.1:4222",
    "POSTGRES_URL": "postgresql://comfyd:p%40-4711@127.0.0.1/comfyd",
    "JWT_SECRET": "j" * 32,
    "COMFYD_SEAL_KEYS": SEAL_KEY,
    "SPACES_ENDPOINT": "http://127.0.0.1:8333",
    "SPACES_BUCKET": "comfyd",
    "SPACES_KEY": "comfyd",
    "SPACES_SECRET": "s-4711",
}
PROCESSES: tuple[tuple[click.Command, list[str]], ...] = (
    (api, []),
    (consumers, ["worker"]),
    (consumers, ["projector"]),
    (consumers, ["migrate"]),
)
SECRETS = ("NATS_URL", "POSTGRES_URL", "JWT_SECRET", "COMFYD_SEAL_KEYS", "SPACES_SECRET")
WELL_KNOWN = {
    "NATS_URL": "nats://comfyd:changeme@127.0.0.1:4222",
    "POSTGRES_URL": "postgresql://postgres:postgres@127.0.0.1/comfyd",
    "JWT_SECRET": "your-256-bit-secret-your-256-bit-secret",
    "SPACES_SECRET": "minioadmin",
}


def test_every_secret_is_found_as_it_is_and_as_urls_hold_it() -> None:
    env = GOOD | {
        "NATS_URL": "nats://comfyd:one@a:4222,nats://a-token@b:4222",
        "COMFYD_SEAL_KEYS": "k1, k2",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=h-4711,x-tenant=acme",
    }
    assert secret_values(env) == {
        *("one", "a-token", "p%40-4711", "p@-4711"),
        *("j" * 32, "s-4711", "k1", "k2"),
        *("h-4711", "acme"),
    }


def test_what_is_not_set_is_no_secret() -> None:
    assert secret_values({"NATS_URL": "nats://127.0.0.1", "JWT_SECRET": ""}) == frozenset()
    assert secret_values({"POSTGRES_URL": "postgresql://[broken"}) == frozenset()


@pytest.mark.parametrize(
    "secret",
    [
        *("changeme", "please-change-me-now", "CHANGE_THIS", "replace me", "placeholder"),
        *("<secret>", "...", "your-secret-here", "password", "admin", "comfyd"),
    ],
)
def test_a_secret_that_everybody_knows_is_none(secret: str) -> None:
    assert placeholders_in({"SPACES_SECRET": secret}) == ["SPACES_SECRET"]
    url = f"postgresql://comfyd:{secret.replace(' ', '%20')}@db/x"
    assert placeholders_in({"POSTGRES_URL": url}) == ["POSTGRES_URL"]


def test_a_secret_of_ones_own_is_fine() -> None:
    assert placeholders_in(GOOD) == []
    settings_from(GOOD)


@pytest.mark.parametrize(("command", "arguments"), PROCESSES, ids=["api", *"wpm"])
@pytest.mark.parametrize("name", SECRETS)
def test_no_process_starts_without_a_secret(
    command: click.Command, arguments: list[str], name: str
) -> None:
    assert refusal(command, arguments, {**GOOD, name: ""}) == [name]


@pytest.mark.parametrize(("command", "arguments"), PROCESSES, ids=["api", *"wpm"])
@pytest.mark.parametrize("name", sorted(WELL_KNOWN))
def test_no_process_starts_with_a_secret_that_everybody_knows(
    command: click.Command, arguments: list[str], name: str
) -> None:
    assert refusal(command, arguments, GOOD | {name: WELL_KNOWN[name]}) == [name]


def refusal(command: click.Command, arguments: list[str], env: Mapping[str, str]) -> list[str]:
    """Try to start a process; give the variables that its refusal names."""
    done = CliRunner().invoke(command, arguments, env=dict(env))
    assert done.exit_code == 2, done.output
    told = done.output.split("comfyd: ", 1)[1]
    assert not any(secret in told for secret in secret_values(env) if len(secret) > 7)
    return [name for name in GOOD if re.search(rf"\b{name}\b", told.split(": ")[0])]


def test_the_files_to_deploy_with_bring_no_secret() -> None:
    example = (DEPLOY / "env.example").read_text("utf-8")
    values = dict(re.findall(r"^([A-Z_]+)=(.*)$", example, re.MULTILINE))
    secret = re.compile("SECRET|PASSWORD|SEAL|TOKEN")
    assert {name: value for name, value in values.items() if secret.search(name) and value} == {}
    # And Compose puts none in its place: what is not filled in keeps everything from starting.
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    defaults = re.findall(r"\$\{([A-Z_]+):-([^}]+)\}", text)
    assert [pair for pair in defaults if secret.search(pair[0])] == []
    for name in ("JWT_SECRET", "NATS_PASSWORD", "POSTGRES_PASSWORD", "SPACES_SECRET"):
        assert f"${{{name}:?}}" in text
    assert "NATS_PASSWORD" in compose()["services"]["nats"]["environment"]


@pytest.mark.parametrize(
    ("value", "fits"),
    [("", True), ("10.0.0.0/8, ::1", True), ("10.0.0.1/8", False), ("proxy", False), ("*", False)],
)
def test_trusted_proxies_are_addresses_and_networks(value: str, fits: bool) -> None:  # noqa: FBT001 -- a parameter
    env = GOOD | {"COMFYD_TRUSTED_PROXIES": value}
    if fits:
        assert settings_from(env).trusted_proxies == value
    else:
        with pytest.raises(SettingsInvalid, match="COMFYD_TRUSTED_PROXIES"):
            settings_from(env)


@pytest.mark.parametrize("name", ["RATE_LIMIT", "ADDRESS_LIMIT", "RUNS_IN_FLIGHT", "RUNS_PER_DAY"])
def test_a_limit_is_not_negative(name: str) -> None:
    settings_from(GOOD | {f"COMFYD_{name}": "0"})
    with pytest.raises(SettingsInvalid, match=f"^COMFYD_{name}: "):
        settings_from(GOOD | {f"COMFYD_{name}": "-1"})
