"""The embedded servers run for root and for other users, and no rights are loosened."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from infra.embedded.child import Account, start
from infra.embedded.errors import ServerFailed
from infra.embedded.postgres_account import postgres_account, switched_account
from infra.embedded.postgres_server import postgres_binaries, postgres_server
from tests.network.ports import free_port

ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Yield a folder that others may enter; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


def closed_to_others(path: Path) -> Path | None:
    steps = (path, *path.parents)
    return next((step for step in steps if not step.stat().st_mode & stat.S_IXOTH), None)


def run_postgres(root: Path, account: Account) -> int:
    """Start Postgres on new or old data, add a row, kill it, start it again; count the rows."""
    folder, log = root / "postgres", root / "logs" / "postgres.log"
    server = postgres_server(
        folder, log, port=free_port(), binaries=postgres_binaries(), account=account
    )
    child = start(server.prepare())
    try:
        child.wait_ready(server.ready, within=30)
        with psycopg.connect(server.env["POSTGRES_URL"]) as connection:
            connection.execute("create table if not exists kept (at timestamptz default now())")
            connection.execute("insert into kept default values")
        child.kill()
        child = start(server.prepare())
        child.wait_ready(server.ready, within=30)
        with psycopg.connect(server.env["POSTGRES_URL"]) as connection:
            row = connection.execute("select count(*) from kept").fetchone()
    finally:
        child.stop()
    assert child.exit_code == 0
    assert row is not None
    return int(row[0])


@only_root
def test_root_runs_postgres_and_keeps_its_folder_to_itself(tmp_path: Path) -> None:
    account = postgres_account(tmp_path, postgres_binaries())
    if account.uid is not None:
        pytest.skip("user namespaces are not allowed here")
    before = stat.S_IMODE(tmp_path.stat().st_mode)
    assert run_postgres(tmp_path, account) == 1
    assert stat.S_IMODE(tmp_path.stat().st_mode) == before
    assert (tmp_path / "postgres" / "data" / "PG_VERSION").stat().st_uid == 0


@only_root
def test_postgres_changes_hands_with_its_data_when_namespaces_come_and_go(
    open_folder: Path,
) -> None:
    binaries = postgres_binaries()
    if closed := closed_to_others(binaries):
        pytest.skip(f"{closed} is closed to others")
    root = open_folder / "data"
    root.mkdir(mode=0o700)
    nobody = pwd.getpwnam("nobody")
    account = switched_account(root, binaries)
    assert account == Account(uid=nobody.pw_uid, gid=nobody.pw_gid)
    assert run_postgres(root, account) == 1
    assert stat.S_IMODE(root.stat().st_mode) == 0o710
    assert (root / "postgres").stat().st_uid == nobody.pw_uid
    assert stat.S_IMODE((root / "postgres").stat().st_mode) == 0o700
    assert run_postgres(root, postgres_account(root, binaries)) == 2
    assert run_postgres(root, account) == 3


@only_root
def test_a_folder_nobody_can_reach_is_named(open_folder: Path) -> None:
    closed = open_folder / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0o700)
    with pytest.raises(ServerFailed) as failed:
        switched_account(closed / "data", postgres_binaries())
    assert failed.value.params == {"folder": str(closed)}
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def python_for_others() -> Path | None:
    """Find a Python of our version that others may run; ours, or else the system's."""
    ours = Path(sys.executable).resolve()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    system = shutil.which(f"python{version}", path="/usr/bin:/usr/local/bin")
    found = [ours, *([Path(system).resolve()] if system else [])]
    return next((python for python in found if closed_to_others(python) is None), None)


@only_root
def test_an_ordinary_user_runs_everything(open_folder: Path) -> None:
    python, packages = python_for_others(), Path(sysconfig.get_path("purelib"))
    if python is None or closed_to_others(packages) or closed_to_others(REPOSITORY):
        pytest.skip("the Python, its packages or the repository is closed to others")
    nobody = pwd.getpwnam("nobody")
    os.chown(open_folder, nobody.pw_uid, nobody.pw_gid)
    with subprocess.Popen(
        (str(python), "-m", "tests.servers.embedded_parent", str(open_folder / "data")),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
        env={"PYTHONPATH": f"{REPOSITORY}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"},
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = msgspec.json.decode(process.stdout.readline())
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in told["pids"].values()}
        with psycopg.connect(told["env"]["POSTGRES_URL"]) as connection:
            assert connection.execute("select current_user").fetchone() == ("comfyd",)
        process.stdin.close()
        assert process.wait(20) == 0
    assert owners == {nobody.pw_uid}
