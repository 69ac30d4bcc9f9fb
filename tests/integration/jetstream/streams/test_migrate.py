"""`comfyd migrate` as it is typed: it says what it will change, and loses nothing by itself."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from click.testing import CliRunner, Result

from consumers.__main__ import main
from events import subjects
from infra.jetstream.calls import api
from infra.jetstream.connection import Client, connected
from infra.jetstream.streams import declared as streams
from tests.builders.facts import SEAL_KEY
from tests.servers.shared import drop_streams

NAMES = [wanted["name"] for wanted in streams.declarations(1)]


class Operator:
    """One who types commands, and looks at the streams."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def types(self, *arguments: str, **env: str) -> Result:
        return CliRunner().invoke(main, ["migrate", *arguments], env={**self._env, **env})

    def do(self, what: Callable[[Client], Awaitable[Any]]) -> Any:
        async def doing() -> Any:
            async with connected(self._env["NATS_URL"], name="test") as client:
                return await what(client)

        return asyncio.run(doing())

    def config(self, name: str) -> dict[str, Any]:
        info = self.do(lambda client: api(client, f"STREAM.INFO.{name}", {}, within=5))
        config: dict[str, Any] = info["config"]
        return config

    def change(self, name: str, **fields: object) -> None:
        changed = self.config(name) | fields
        self.do(lambda client: api(client, f"STREAM.UPDATE.{name}", changed, within=5))


@pytest.fixture
def operator(server_env: Mapping[str, str], postgres_url: str) -> Operator:
    """Return one whose servers hold nothing."""
    env = {**server_env, "POSTGRES_URL": postgres_url, "LC_ALL": "C.UTF-8"}
    env |= {"JWT_SECRET": "x" * 32, "COMFYD_SEAL_KEYS": SEAL_KEY}
    found = Operator(env)
    found.do(drop_streams)
    return found


def test_a_dry_run_shows_what_would_be_made_and_makes_nothing(operator: Operator) -> None:
    shown = operator.types("--dry-run")
    assert shown.exit_code == 1, shown.output
    for name in NAMES:
        assert f"{name} " in shown.stdout
    assert "tables in Postgres" in shown.stdout
    assert "Nothing was changed (--dry-run)." in shown.stdout
    assert set(operator.do(streams.differences)) == set(NAMES)

    made = operator.types()
    assert made.exit_code == 0, made.output
    assert made.stdout.endswith("Done.\n")

    again = operator.types("--dry-run")
    assert (again.exit_code, again.stdout) == (0, "Streams and tables are as declared.\n")
    assert operator.types().stdout == again.stdout


def test_a_change_is_shown_before_it_is_made(operator: Operator) -> None:
    operator.types()
    operator.change(subjects.LOG, compression="s2")

    shown = operator.types("--dry-run")
    assert shown.exit_code == 1
    assert ["RUNS", "compression", "s2", "none"] in [
        line.split() for line in shown.stdout.splitlines()
    ]
    assert operator.config(subjects.LOG)["compression"] == "s2"

    made = operator.types()
    assert made.exit_code == 0
    assert ["RUNS", "compression", "s2", "none"] in [
        line.split() for line in made.stdout.splitlines()
    ]
    assert "stop and start each server in turn" in made.stdout
    assert operator.config(subjects.LOG)["compression"] == "none"


def test_what_would_keep_less_is_refused_until_it_is_named(operator: Operator) -> None:
    operator.types()
    operator.change(subjects.WORK, duplicate_window=3600 * streams.SECOND)
    operator.change(subjects.LOG, compression="s2")

    for arguments in ([], ["--dry-run"], ["--lower", "max_age"]):
        refused = operator.types(*arguments)
        assert refused.exit_code == 2
        assert "WORK duplicate_window 3600 s → 600 s would keep less than now" in refused.stderr
        assert "add --lower duplicate_window" in refused.stderr
    assert operator.config(subjects.LOG)["compression"] == "s2"

    assert operator.types("--lower", "duplicate_window").exit_code == 0
    assert operator.do(streams.differences) == {}


@pytest.mark.parametrize(
    ("arguments", "env"), [(["--replicas", "3"], {}), ([], {"COMFYD_REPLICAS": "3"})]
)
def test_three_replicas_on_a_single_server_are_refused_with_the_fix(
    operator: Operator, arguments: list[str], env: dict[str, str]
) -> None:
    refused = operator.types(*arguments, **env)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("comfyd: RUNS: 3 replicas need as many NATS servers")
    chinese = operator.types(*arguments, **env, LC_ALL="zh_CN.UTF-8")
    assert "RUNS：3 个副本需要同一集群中同样多的 NATS 服务器" in chinese.stderr


@pytest.mark.parametrize("value", ["2", "three", "-1"])
def test_a_number_of_replicas_that_no_cluster_has_is_refused(
    operator: Operator, value: str
) -> None:
    refused = operator.types(COMFYD_REPLICAS=value)
    assert refused.exit_code == 2
    assert refused.stderr == "comfyd: COMFYD_REPLICAS: must be one of 0, 1, 3, 5\n"
