"""A command of an operator says soon, and in one sentence, that it cannot use its server."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from consumers.__main__ import main
from infra.jetstream.connection import connect_within
from infra.jetstream.errors import SignInRefused, Unreachable
from tests.builders.facts import SEAL_KEY

PASSWORD = "very-private-4711"
NOWHERE = "127.0.0.1:9"
COMMANDS = (
    ("projections", "status"),
    ("projections", "rebuild"),
    ("migrate", "--dry-run"),
    ("migrate",),
    ("backup", "new"),
    ("restore", ".", "--only-erase"),
)


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {
        "NATS_URL": f"nats://comfyd:{PASSWORD}@{NOWHERE}",
        "POSTGRES_URL": f"postgresql://comfyd:{PASSWORD}@{NOWHERE}/comfyd",
        "JWT_SECRET": "j" * 40,
        "COMFYD_SEAL_KEYS": SEAL_KEY,
        "SPACES_ENDPOINT": "http://127.0.0.1:9",
        "SPACES_BUCKET": "comfyd",
        "SPACES_KEY": "comfyd",
        "SPACES_SECRET": "s-4711",
        "LC_ALL": "C.UTF-8",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    for module in ("consumers.__main__", "consumers.cli.migrate", "consumers.cli.backup_commands"):
        monkeypatch.setattr(f"{module}.REACH_WITHIN", 0.2)


def entered(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@contextmanager
def answering(*lines: bytes) -> Iterator[str]:
    """Run a server that sends these lines to each client, and nothing else; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    for line in lines:
                        connection.sendall(line)
                        connection.recv(65536)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


INFO = b'INFO {"server_id":"a","version":"2.12.0","max_payload":1048576,"auth_required":true}\r\n'
NO = b"-ERR 'Authorization Violation'\r\n"


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_server_that_is_away_is_named_with_its_setting(arguments: tuple[str, ...]) -> None:
    ended = entered(*arguments)
    assert ended.exit_code == 6
    server, setting = (
        ("Postgres", "POSTGRES_URL") if arguments[-1] == "rebuild" else ("NATS", "NATS_URL")
    )
    assert ended.stderr.startswith(f"comfyd: {server} at {NOWHERE}")
    assert ended.stderr.endswith(f"start it, or correct {setting}\n")
    assert ended.stderr.count("\n") == 1
    assert PASSWORD not in ended.output


@pytest.mark.parametrize(
    "arguments", [line for line in COMMANDS if line[-1] != "rebuild"], ids=" ".join
)
def test_a_wrong_password_is_named_at_once(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("consumers.__main__", "consumers.cli.migrate", "consumers.cli.backup_commands"):
        monkeypatch.setattr(f"{module}.REACH_WITHIN", 60)
    with answering(INFO, NO) as address:
        monkeypatch.setenv("NATS_URL", f"nats://comfyd:{PASSWORD}@{address}")
        ended = entered(*arguments)
    assert ended.exit_code == 3
    assert ended.stderr.startswith(f"comfyd: NATS at {address} refuses the sign-in")
    assert ended.stderr.endswith("correct the user and the password in NATS_URL\n")


def test_a_wrong_password_of_postgres_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = b'SFATAL\0C28P01\0Mpassword authentication failed for user "comfyd"\0\0'
    refusal = b"E" + (len(fields) + 4).to_bytes(4, "big") + fields
    with answering(b"", refusal) as address:
        url = f"postgresql://comfyd:{PASSWORD}@{address}/comfyd?sslmode=disable"
        monkeypatch.setenv("POSTGRES_URL", url)
        ended = entered("projections", "rebuild")
    assert ended.exit_code == 3
    assert ended.stderr.startswith(f"comfyd: Postgres at {address}/comfyd refuses the sign-in")
    assert ended.stderr.endswith("correct the user and the password in POSTGRES_URL\n")


def test_it_is_said_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    said = entered("projections", "status").stderr
    assert said.startswith(f"comfyd: 无法连接 {NOWHERE} 上的 NATS")
    assert "NATS_URL" in said


async def test_a_server_that_stays_silent_is_not_waited_for() -> None:
    with answering(b"") as address:
        async with asyncio.timeout(5):
            with pytest.raises(Unreachable, match="no answer in time"):
                await connect_within(0.2, f"nats://{address}", name="test")


async def test_a_refusal_is_no_outage() -> None:
    with answering(INFO, NO) as address, pytest.raises(SignInRefused):
        await connect_within(60, f"nats://u:p@{address}", name="test")
