"""Stack of one machine: servers, comfyd's processes, a demo machine where no ComfyUI is given."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from app.cli.local.supervisor import OnFault, OnRestart, Supervisor, python_process
from app.cli.local_settings import chosen_data, keep_settings, local_seal_keys, local_secret
from app.cli.texts import tr
from infra.embedded.child import Command
from infra.embedded.data_folder import (
    DataFolder,
    data_folder,
    remembered_secret,
)
from infra.embedded.ports import LOOPBACK, remembered_ports
from infra.embedded.servers import start_all
from infra.jetstream.connection import connected
from infra.jetstream.streams import declared as streams
from infra.net.listening import listen, listen_for_plugin, reachable
from infra.postgres import connect
from infra.settings.settings import SEAL_KEYS, SETTING_NAMES, Settings, settings_from
from infra.telemetry.internal_server import listen_internally
from infra.telemetry.tracing.setup import PREFIX
from projections.schema import TablesOutdated, check_tables, create_tables

DEFAULT_PORT = "3000"

PROCESSES = {
    "api": ("app",),
    "projector": ("consumers", "projector"),
    "worker": ("consumers", "worker"),
}
"""The modules that comfyd's own processes run; in this order they take the internal ports."""

INTERNAL_PORT = "COMFYD_INTERNAL_PORT"
_SPACES = ("ENDPOINT", "BUCKET", "KEY", "SECRET")

STEP_SECONDS = "0.1"
"""Speed of the demo machine: slow enough to watch, fast enough not to wait."""


class CannotStart(Exception):
    """The stack cannot start; the message says why and what to do."""


class LocalMachine(Struct, frozen=True, kw_only=True):
    """The ComfyUI to use."""

    url: str
    token: str = ""
    """Bearer token that it requires; empty: none. The demo machine hides its prompts by one."""


class Stack(Struct, frozen=True, kw_only=True):
    """A running stack."""

    supervisor: Supervisor
    url: str
    machine: LocalMachine
    jwt_secret: str
    folder: Path
    env: Mapping[str, str]
    internal_ports: Mapping[str, int]
    """Where each process answers for its health; empty: nowhere."""

    plugin_port: int
    """Where the API also listens for comfyui-deploy's plugin in its local mode; 0: nowhere."""

    @property
    def logs(self) -> Path:
        """Where every process logs to."""
        return self.folder / "logs"


def chosen_port() -> int:
    """Return the port that the environment names.

    Raises:
        CannotStart: it is none.
        CannotListen: the port is taken, or not allowed.

    """
    text = os.environ.get("COMFYD_PORT") or DEFAULT_PORT
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 65536:  # noqa: PLR2004 -- ports end there
        raise CannotStart(
            tr(
                "COMFYD_PORT: '{port}' is not a port; it must be a number from 1 to 65535",
                port=text,
            )
        )
    for found in listen(os.environ.get("COMFYD_HOST") or LOOPBACK, int(text)):
        found.close()
    return int(text)


@contextmanager
def running_stack(
    on_restart: OnRestart,
    on_fault: OnFault,
    *,
    comfyui_url: str | None,
    on_start: Callable[[], None],
) -> Iterator[Stack]:
    """Start everything, without *comfyui_url* a demo machine too; stop it all at the end.

    *on_start* is called when nothing has been found that would refuse it.

    Raises:
        CannotStart, infra.embedded.errors.CannotStart: the message says why and what to do.
        CannotListen: another program listens where the API would.
        SettingsInvalid: a setting is wrong.

    """
    port = chosen_port()
    settings = _checked_settings()
    internal_ports = _internal_ports(settings)
    for found in listen_for_plugin(settings.plugin_port):
        found.close()
    with data_folder(chosen_data()) as folder:
        on_start()
        servers = start_all(folder, given=os.environ)
        supervisor = Supervisor(servers, on_restart, on_fault)
        try:
            env = _settings(folder, servers.env, port)
            machine = (
                LocalMachine(url=comfyui_url) if comfyui_url else _start_demo(supervisor, folder)
            )
            yield Stack(
                supervisor=supervisor,
                url=f"http://{reachable(env.get('COMFYD_HOST', ''))}:{port}",
                machine=machine,
                jwt_secret=env["JWT_SECRET"],
                folder=folder.root,
                env=env,
                internal_ports=internal_ports,
                plugin_port=settings.plugin_port,
            )
        finally:
            supervisor.stop()


async def prepare(stack: Stack, on_progress: Callable[[str], None]) -> None:
    """Create streams and tables where they are missing, then start comfyd's processes.

    *on_progress* is called with what takes its time.

    Raises:
        CannotMigrate: the streams cannot be as they are declared.
        CannotStart: the tables of an earlier version cannot be made anew.

    """
    keep_settings(stack.folder, stack.env)
    async with connected(stack.env["NATS_URL"], name="up") as client:
        await streams.migrate(client, replicas=settings_from(stack.env).replicas or None)
    async with connect(stack.env["POSTGRES_URL"]) as connection:
        await create_tables(connection)
        try:
            await check_tables(connection)
        except TablesOutdated:
            on_progress(tr("the tables are of an earlier version: rebuilding them from the log"))
            await _rebuild_tables(stack)
    for command in own_processes(stack):
        stack.supervisor.start(command)


def own_processes(stack: Stack) -> Iterator[Command]:
    """Describe comfyd's processes; each has an internal port of its own."""
    for name, arguments in PROCESSES.items():
        own = {INTERNAL_PORT: str(port)} if (port := stack.internal_ports.get(name)) else {}
        env = {**_of_traces(), **stack.env, **own}
        yield python_process(name, *arguments, logs=stack.logs, env=env)


def _of_traces() -> dict[str, str]:
    """Return what OpenTelemetry reads: its own business, so it is no setting of ours."""
    return {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}


async def _rebuild_tables(stack: Stack) -> None:
    arguments = ("consumers", "projections", "rebuild")
    command = python_process("rebuild", *arguments, logs=stack.logs, env=stack.env)
    process = await asyncio.create_subprocess_exec(*command.argv, env=command.env)
    if await process.wait():
        raise CannotStart(tr("the tables of an earlier version could not be rebuilt"))


def _checked_settings() -> Settings:
    """Find a wrong setting before anything is started or written."""
    ours = dict.fromkeys(("NATS_URL", "POSTGRES_URL", "JWT_SECRET"), "x" * 40)
    ours |= dict.fromkeys((f"SPACES_{n}" for n in _SPACES), "ours")
    ours |= {SEAL_KEYS: "A" * 43 + "=", "SPACES_ENDPOINT": f"http://{LOOPBACK}"}
    return settings_from(ours | {n: v for n, v in os.environ.items() if v})


def _internal_ports(settings: Settings) -> dict[str, int]:
    """Return the port set for the first process and those after it for the others.

    Raises:
        CannotListen: one of them is taken, or not allowed.

    """
    if not settings.internal_port:
        return {}
    ports = {name: settings.internal_port + n for n, name in enumerate(PROCESSES)}
    for port in ports.values():
        for found in listen_internally(settings.internal_host, port):
            found.close()
    return ports


def _settings(folder: DataFolder, servers: Mapping[str, str], port: int) -> dict[str, str]:
    # Each process has an internal port of its own, so it is no setting of all.
    shared = SETTING_NAMES - {INTERNAL_PORT}
    given = {name: os.environ[name] for name in shared if os.environ.get(name)}
    env = {
        # One's own ComfyUI is at home.
        "COMFYD_ALLOW_PRIVATE_MACHINES": "true",
        # One port for all, unless the storage is somebody's own.
        "COMFYD_SERVE_FILES": str(not any(n.startswith("SPACES_") for n in given)).lower(),
        **servers,
        **given,
        "JWT_SECRET": local_secret(folder.root),
        SEAL_KEYS: local_seal_keys(folder.root),
        "COMFYD_PORT": str(port),
        "COMFYD_DATA": str(folder.root),
    }
    settings_from(env | {n: v for n, v in os.environ.items() if n.startswith("COMFYD_")})
    return env


def _start_demo(supervisor: Supervisor, folder: DataFolder) -> LocalMachine:
    # The names of files are older than the demo machine: a data folder of before goes on.
    port = remembered_ports(folder.root / "ports-standin.json", ["comfyui"])["comfyui"]
    home = folder.root / "comfyui"
    home.mkdir(mode=0o700, exist_ok=True)
    token = remembered_secret(folder.root / "standin-token")
    supervisor.start(
        python_process(
            "comfyui",
            "infra.embedded.demo",
            "--port",
            str(port),
            "--dir",
            str(home),
            "--slow",
            STEP_SECONDS,
            logs=folder.root / "logs",
            env={"DEMO_TOKEN": token},
        )
    )
    return LocalMachine(url=f"http://{LOOPBACK}:{port}", token=token)
