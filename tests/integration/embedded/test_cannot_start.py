"""A process that can never start ends once, with its reason, and takes the whole down with it."""

import asyncio
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli.local.supervisor import EXIT_CANNOT_START, ProcessRefused, Supervisor, python_process
from app.cli.main import main
from consumers.cli.command_line import SERVER_AWAY
from infra.embedded.child import Command
from infra.embedded.servers import Servers
from tests.builders.facts import SEAL_KEY
from tests.network.ports import free_port


@pytest.fixture
def taken() -> Iterator[int]:
    """Yield a port on which another listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.usefixtures("log_client")
@pytest.mark.parametrize(
    ("module", "setting", "lang", "said"),
    [
        ("app", "COMFYD_PORT", "C.UTF-8", "comfyd: COMFYD_PORT: port "),
        ("app", "COMFYD_PORT", "zh_CN.UTF-8", "的端口 "),
        ("app", "COMFYD_INTERNAL_PORT", "C.UTF-8", "comfyd: COMFYD_INTERNAL_PORT: port "),
        ("app", "COMFYD_PLUGIN_PORT", "C.UTF-8", "comfyd: COMFYD_PLUGIN_PORT: port "),
        ("consumers worker", "COMFYD_INTERNAL_PORT", "zh_CN.UTF-8", "的端口 "),
        ("consumers projector", "COMFYD_INTERNAL_PORT", "C.UTF-8", "comfyd: COMFYD_INTERNAL_PORT"),
    ],
)
async def test_a_process_says_that_its_port_is_taken_and_ends(
    server_env: Mapping[str, str],
    taken: int,
    tmp_path: Path,
    module: str,
    setting: str,
    lang: str,
    said: str,
) -> None:
    own = {
        "JWT_SECRET": "x" * 40,
        "COMFYD_SEAL_KEYS": SEAL_KEY,
        "COMFYD_PORT": str(free_port()),
        setting: str(taken),
        "LANG": lang,
    }
    command = python_process("any", *module.split(), logs=tmp_path, env={**server_env, **own})
    process = await asyncio.create_subprocess_exec(
        *command.argv, env=dict(command.env), stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        _, told = await process.communicate()
    *_, words = told.decode().splitlines()
    assert process.returncode == EXIT_CANNOT_START
    assert (said in words, str(taken) in words, "Traceback" in words) == (True, True, False)


@pytest.mark.usefixtures("log_client")
@pytest.mark.parametrize("command", ["migrate", "projections rebuild", "projections status"])
@pytest.mark.parametrize(
    ("lang", "said"),
    [("C.UTF-8", "start it, or correct POSTGRES_URL"), ("zh_CN.UTF-8", "请启动它，或更正")],
)
async def test_a_command_without_postgres_ends_with_one_sentence(
    server_env: Mapping[str, str], tmp_path: Path, command: str, lang: str, said: str
) -> None:
    own = {
        "JWT_SECRET": "x" * 40,
        "COMFYD_SEAL_KEYS": SEAL_KEY,
        "POSTGRES_URL": f"postgresql://comfyd:hidden@127.0.0.1:{free_port()}/comfyd",
        "LANG": lang,
    }
    env = {**server_env, **own}
    started = python_process("any", "consumers", *command.split(), logs=tmp_path, env=env)
    process = await asyncio.create_subprocess_exec(
        *started.argv, env=dict(started.env), stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        _, told = await process.communicate()
    [words] = told.decode().splitlines()
    assert process.returncode == SERVER_AWAY
    assert (said in words, "hidden" in words) == (True, False)


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"COMFYD_PORT": "TAKEN"}, "is taken"),
        ({"COMFYD_HOST": "203.0.113.1"}, "this computer does not have the address 203.0.113.1"),
        ({"COMFYD_PORT": "x"}, "'x' is not a port"),
        ({"COMFYD_INTERNAL_PORT": "TAKEN"}, "comfyd: COMFYD_INTERNAL_PORT: port "),
        ({"COMFYD_INTERNAL_PORT": "BEFORE"}, "comfyd: COMFYD_INTERNAL_PORT: port "),
        ({"COMFYD_PLUGIN_PORT": "TAKEN"}, "comfyd: COMFYD_PLUGIN_PORT: port "),
        ({"COMFYD_PLUGIN_PORT": "65536"}, "must be a whole number ≥ 0, ≤ 65535"),
        ({"COMFYD_INTERNAL_PORT": "65534"}, "must be a whole number ≥ 0, ≤ 65533"),
        ({"SPACES_ENDPOINT": "http://a.example/comfyd", "SPACES_BUCKET": "comfyd"}, "write http"),
    ],
)
def test_comfyd_up_says_it_before_anything_is_started(
    taken: int, tmp_path: Path, env: dict[str, str], said: str
) -> None:
    ports = {"TAKEN": str(taken), "BEFORE": str(taken - 1)}
    given = {n: ports.get(v, v) for n, v in env.items()}
    data = tmp_path / "data"
    base = {"COMFYD_DATA": str(data), "LC_ALL": "C.UTF-8", "COMFYD_PORT": str(free_port())}
    ended = CliRunner().invoke(main, ["up"], env={**base, **given})
    assert (ended.exit_code, ended.stderr.count("\n"), said in ended.stderr) == (2, 1, True)
    assert not data.exists()


def test_comfyd_up_says_that_its_one_nats_server_cannot_hold_three_replicas(
    tmp_path: Path,
) -> None:
    env = {"COMFYD_DATA": str(tmp_path / "data"), "COMFYD_PORT": str(free_port())}
    env |= {"COMFYD_REPLICAS": "3", "LC_ALL": "C.UTF-8"}
    ended = CliRunner().invoke(main, ["up"], env=env)
    assert ended.exit_code == 2
    assert ended.stderr.startswith("comfyd: RUNS: 3 replicas need as many NATS servers")
    assert ended.stderr.count("\n") == 1


async def test_what_will_never_start_is_not_started_again(tmp_path: Path) -> None:
    restarted: list[str] = []
    supervisor = Supervisor(Servers({}, -1), lambda name, _: restarted.append(name))
    script = "import sys; print('comfyd: no port left', file=sys.stderr); sys.exit(2)"
    log = tmp_path / "api.log"
    argv = (sys.executable, "-c", script)
    supervisor.start(Command(name="api", argv=argv, folder=tmp_path, log=log))
    with pytest.raises(ProcessRefused, match=r"^no port left$"):
        async with asyncio.timeout(30):
            await supervisor.watch()
    assert restarted == []
