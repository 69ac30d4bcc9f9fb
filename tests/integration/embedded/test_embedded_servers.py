"""The embedded servers work, keep what they were given, and end with us."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import nats
import psycopg
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.embedded.child import start
from infra.embedded.data_folder import DataFolder, data_folder, write_private
from infra.embedded.errors import ServerFailed
from infra.embedded.nats_server import ask_system, nats_server
from infra.embedded.ports import LOOPBACK, remembered_ports
from infra.embedded.s3_server import COMPONENTS, s3_server
from infra.embedded.servers import Servers, start_all

Env = dict[str, str]


class Running(msgspec.Struct):
    """The servers of this module, in their folder; a test may exchange them."""

    folder: DataFolder
    servers: Servers


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with data_folder(tmp_path_factory.mktemp("embedded"), least_free=0) as folder:
        state = Running(folder, start_all(folder, given={}))
        yield state
        state.servers.stop()


def eventually(condition: Callable[[], bool], *, within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


async def keep_in_nats(env: Env, text: str) -> None:
    async with await nats.connect(env["NATS_URL"]) as client:
        stream = client.jetstream()
        await stream.add_stream(name="KEPT", subjects=["kept.>"])
        await stream.publish("kept.text", text.encode())


async def read_from_nats(env: Env) -> str:
    async with await nats.connect(env["NATS_URL"]) as client:
        message = await client.jetstream().get_last_msg("KEPT", "kept.text")
        return (message.data or b"").decode()


def keep_in_postgres(env: Env, text: str) -> None:
    with psycopg.connect(env["POSTGRES_URL"]) as connection:
        connection.execute("create table if not exists kept (text text)")
        connection.execute("insert into kept values (%s)", [text])


def read_from_postgres(env: Env) -> str:
    with psycopg.connect(env["POSTGRES_URL"]) as connection:
        row = connection.execute("select text from kept").fetchall()[-1]
        return str(row[0])


def public_url(env: Env, key: str) -> str:
    return f"{env['SPACES_ENDPOINT_CDN']}/{env['SPACES_BUCKET']}/{key}"


def signed_url(env: Env, method: str, key: str) -> str:
    request = AWSRequest(method=method, url=public_url(env, key))
    credentials = Credentials(env["SPACES_KEY"], env["SPACES_SECRET"])
    S3SigV4QueryAuth(credentials, "s3", env["SPACES_REGION"], expires=60).add_auth(request)
    return str(request.url)


def keep_in_s3(env: Env, text: str) -> None:
    headers = {"Content-Type": "text/x-kept"}
    url = signed_url(env, "PUT", "kept.txt")
    httpx.put(url, content=text, headers=headers, trust_env=False).raise_for_status()


def read_from_s3(env: Env) -> str:
    answer = httpx.get(public_url(env, "kept.txt"), trust_env=False, timeout=40)
    assert answer.headers["content-type"] == "text/x-kept", answer.text
    return answer.text


async def keep_in_all(env: Env, text: str) -> None:
    await keep_in_nats(env, text)
    keep_in_postgres(env, text)
    keep_in_s3(env, text)


async def read_from_all(env: Env) -> list[str]:
    return [await read_from_nats(env), read_from_postgres(env), read_from_s3(env)]


async def test_all_keep_what_they_were_given_over_a_stop(running: Running) -> None:
    env = running.servers.env
    await keep_in_all(env, "first")
    began = time.monotonic()
    running.servers.stop()
    assert time.monotonic() - began < 8
    assert sorted(running.servers.dead()) == ["nats", "postgres", "s3"]
    running.servers = start_all(running.folder, given={})
    assert running.servers.env == env
    assert await read_from_all(env) == ["first"] * 3


def restart(servers: Servers, name: str) -> None:
    servers.children[name].stop()
    servers.launch(name)
    servers.wait_ready(name)


async def test_all_keep_what_they_were_given_over_a_kill(running: Running) -> None:
    env = running.servers.env
    await keep_in_all(env, "second")
    for name in ("nats", "s3", "postgres"):
        os.kill(running.servers.children[name].pid, signal.SIGKILL)
        eventually(lambda: running.servers.dead() != [])
        assert running.servers.dead() == [name]
        restart(running.servers, name)
    assert running.servers.env == env
    assert running.servers.dead() == []
    assert await read_from_all(env) == ["second"] * 3


def test_postgres_comes_back_while_clients_hold_on_to_the_killed_one(running: Running) -> None:
    with psycopg.connect(running.servers.env["POSTGRES_URL"]) as connection:
        running.servers.children["postgres"].kill()
        restart(running.servers, "postgres")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")


def test_postgres_is_not_kept_from_starting_by_a_strangers_number(running: Running) -> None:
    running.servers.children["postgres"].kill()
    file = running.folder.root / "postgres" / "data" / "postmaster.pid"
    _, *rest = file.read_text("utf-8").splitlines(keepends=True)
    with subprocess.Popen(("sleep", "60")) as stranger:
        file.write_text(f"{stranger.pid}\n{''.join(rest)}", "utf-8")
        restart(running.servers, "postgres")
        assert stranger.poll() is None
        stranger.kill()


def test_everybody_may_read_objects_but_not_list_them(running: Running) -> None:
    env = running.servers.env
    keep_in_s3(env, "public")
    assert read_from_s3(env) == "public"
    unsigned = httpx.put(public_url(env, "kept.txt"), content="x", trust_env=False)
    assert unsigned.status_code == 403
    assert httpx.get(public_url(env, ""), trust_env=False, timeout=40).status_code == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_a_web_page_of_any_origin_may_use_signed_urls(running: Running, method: str) -> None:
    preflight = {
        "Origin": "https://page.example",
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type",
    }
    url = signed_url(running.servers.env, method, "page.txt")
    answer = httpx.options(url, headers=preflight, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://page.example"
    assert method in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "content-type"


def test_nats_syncs_every_write_and_sends_the_acks_that_our_client_reads(
    running: Running,
) -> None:
    port = urlsplit(running.servers.env["NATS_URL"]).port or 0
    password = (running.folder.root / "nats" / "system-password").read_text("ascii")
    told = ask_system(port, password, "VARZ")
    assert told["jetstream"]["config"]["sync_always"] is True
    assert told["max_payload"] == 1024 * 1024
    assert told["feature_flags"]["js_ack_fc_v2"] is False
    assert told["http_port"] == told["https_port"] == 0


def test_nothing_readable_by_others_is_in_the_folder(running: Running) -> None:
    root = running.folder.root
    assert root.stat().st_mode & 0o077 == 0
    nats = ("nats/password", "nats/system-password", "nats/analyst-password", "nats/nats.conf")
    s3 = ("s3/secret", "s3/s3.json", "s3/signing", "s3/security.toml", "s3/tls/key.pem")
    secrets = (*nats, *s3, "postgres/password")
    for file in secrets:
        assert (root / file).stat().st_mode & 0o177 == 0


_NATS_CONFIG_OF_BEFORE = """\
host: "{host}"
port: {port}
authorization {{ user: "comfyd", password: "{password}" }}
jetstream {{ store_dir: "data" }}
"""


async def test_data_of_before_the_inner_ports_were_closed_is_kept(tmp_path: Path) -> None:
    """NATS had a user outside of any account, the parts of SeaweedFS had no certificate."""
    given = {"POSTGRES_URL": "x"}
    with data_folder(tmp_path, least_free=0) as folder:
        ports = remembered_ports(
            tmp_path / "ports.json", ["nats", *(f"s3-{c}" for c in COMPONENTS)]
        )
        nats_before = nats_server(tmp_path / "nats", tmp_path / "nats.log", port=ports["nats"])
        s3_before = s3_server(
            tmp_path / "s3", tmp_path / "s3.log", ports={c: ports[f"s3-{c}"] for c in COMPONENTS}
        )
        commands = [nats_before.prepare(), s3_before.prepare()]
        password = (tmp_path / "nats" / "password").read_text("ascii")
        config = _NATS_CONFIG_OF_BEFORE.format(host=LOOPBACK, port=ports["nats"], password=password)
        write_private(tmp_path / "nats" / "nats.conf", config)
        (tmp_path / "s3" / "security.toml").unlink()
        children = [start(command) for command in commands]
        try:
            children[0].wait_ready(lambda: can_connect(ports["nats"]), within=10)
            children[1].wait_ready(s3_before.ready, within=30)
            await keep_in_nats(nats_before.env, "of before")
            keep_in_s3(s3_before.env, "of before")
        finally:
            for child in children:
                child.stop()
        servers = start_all(folder, given=given)
        try:
            assert servers.env == nats_before.env | s3_before.env
            kept = [await read_from_nats(servers.env), read_from_s3(servers.env)]
            assert kept == ["of before"] * 2
        finally:
            servers.stop()


def can_connect(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((LOOPBACK, port)) == 0


def test_a_server_with_a_url_of_its_own_is_not_started(tmp_path: Path) -> None:
    given = {"NATS_URL": "nats://elsewhere", "SPACES_ENDPOINT": "https://r2", "POSTGRES_URL": "x"}
    with data_folder(tmp_path, least_free=0) as folder:
        servers = start_all(folder, given=given)
        assert (servers.names, servers.env, servers.children) == ([], {}, {})
        del given["NATS_URL"]
        servers = start_all(folder, given=given)
        try:
            assert list(servers.children) == ["nats"]
            assert list(servers.env) == ["NATS_URL"]
        finally:
            servers.stop()


def test_a_port_lost_between_choice_and_start_is_told_and_leaves_nothing_running(
    tmp_path: Path,
) -> None:
    given = {"SPACES_ENDPOINT": "https://r2", "POSTGRES_URL": "x"}
    with data_folder(tmp_path, least_free=0) as folder:
        servers = start_all(folder, given=given)
        servers.stop()
        port = urlsplit(servers.env["NATS_URL"]).port or 0
        with socket.create_server((LOOPBACK, port)):
            with pytest.raises(ServerFailed, match=r"(?s)NATS stopped.*address already in use"):
                restart(servers, "nats")
            assert servers.dead() == ["nats"]
            fresh = start_all(folder, given=given)
            assert urlsplit(fresh.env["NATS_URL"]).port != port
            fresh.stop()


# --- A process of its own around the servers


class Parent(msgspec.Struct):
    """What the parent process told, and itself."""

    env: Env
    pids: dict[str, int]


@contextmanager
def parent_process(argv: tuple[str, ...], env: Env) -> Iterator[tuple[int, Parent]]:
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, cwd=Path.cwd()
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.pid, msgspec.json.decode(process.stdout.readline(), type=Parent)
        finally:
            process.stdin.close()
            process.wait(20)


def parent_argv(root: Path, python: str = sys.executable) -> tuple[str, ...]:
    return (python, "-m", "tests.servers.embedded_parent", str(root))


def is_gone(pid: int) -> bool:
    """Whether a process has ended, be it that nobody has buried it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(") ")[2].startswith("Z")
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_the_servers_end_with_a_killed_parent_and_the_next_start_has_their_data(
    tmp_path: Path,
) -> None:
    with parent_process(parent_argv(tmp_path), dict(os.environ)) as (pid, parent):
        await keep_in_all(parent.env, "survives")
        os.kill(pid, signal.SIGKILL)
    # At once, while the servers are still stopping: the folder is waited for.
    with data_folder(tmp_path, least_free=0) as folder:
        assert [name for name, child in parent.pids.items() if not is_gone(child)] == []
        servers = start_all(folder, given={})
        try:
            assert servers.env == parent.env
            assert await read_from_all(servers.env) == ["survives"] * 3
        finally:
            servers.stop()
