"""A whole comfyd in processes of its own, each of which can be killed by its name."""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import httpx

from app.auth.tokens import Tokens
from app.cli.local.supervisor import Supervisor, python_process
from infra.embedded.child import Child, Command
from infra.embedded.ports import LOOPBACK
from infra.embedded.servers import Servers
from infra.jetstream.connection import connected
from infra.jetstream.streams import declared as streams
from infra.postgres import connect
from projections.schema import create_tables
from tests.builders.facts import SEAL_KEY
from tests.network.ports import free_port

SECRET = "a secret that only the tests know, long enough for HS256"
PATIENCE = 120.0
"""Seconds after which something that has not come is missing, on the busiest machine."""

T = TypeVar("T")


async def eventually(ask: Callable[[], Awaitable[T | None]], *, within: float = PATIENCE) -> T:
    """Ask until the answer is something."""
    deadline = time.monotonic() + within
    while not (answer := await ask()):
        assert time.monotonic() < deadline, f"it never came: {ask}"
        await asyncio.sleep(0.02)
    return answer


class System:
    """Running processes: api, worker, projector, comfyui, and the servers that are ours."""

    def __init__(
        self, folder: Path, servers: Servers, env: Mapping[str, str], *, replicas: int = 1
    ) -> None:
        self.folder = folder
        self._replicas = replicas
        self.restarted: list[str] = []
        self._servers = servers
        self._supervisor = Supervisor(servers, lambda name, _: self.restarted.append(name))
        self._commands: dict[str, Command] = {}
        self.url = f"http://{LOOPBACK}:{free_port()}"
        self.machine_url = f"http://{LOOPBACK}:{free_port()}"
        self.machine_folder = folder / "comfyui"
        self.internal_urls: dict[str, str] = {}
        """Where each of comfyd's processes answers for its health."""
        self.env = {
            **env,
            "JWT_SECRET": SECRET,
            "COMFYD_SEAL_KEYS": SEAL_KEY,
            "COMFYD_ALLOW_PRIVATE_MACHINES": "true",
            "COMFYD_PORT": self.url.rsplit(":", 1)[1],
            "COMFYD_CALLBACK_URL": self.url,
            # As `comfyd up` has it, whose storage these are.
            "COMFYD_SERVE_FILES": "true",
            # In force, but out of reach of impatient tests; those of the limits set their own.
            "COMFYD_RATE_LIMIT": "1000000000",
            "COMFYD_ADDRESS_LIMIT": "1000000000",
        }

    async def prepare(self) -> None:
        """Create streams and tables, then start the machine and comfyd's processes."""
        async with connected(self.env["NATS_URL"], name="tests") as client:
            await streams.migrate(client, replicas=self._replicas)
        async with connect(self.env["POSTGRES_URL"]) as connection:
            await create_tables(connection)
        self.machine_folder.mkdir(exist_ok=True)
        self.start_machine("comfyui", self.machine_url, self.machine_folder)
        self.start_own("api", "app")
        self.start_own("projector", "consumers", "projector")
        self.start_own("worker", "consumers", "worker")
        await self.until_ready(self.url)

    def start_own(self, name: str, *module: str, **settings: str) -> None:
        """Start another process of comfyd's, with some settings changed."""
        port = free_port()
        self.internal_urls[name] = f"http://{LOOPBACK}:{port}"
        env = {**self.env, "COMFYD_INTERNAL_PORT": str(port), **settings}
        self._start(python_process(name, *module, logs=self.folder / "logs", env=env))

    def start_another_api(self, name: str, *, module: str = "app", **settings: str) -> str:
        """Start one more API, with some settings changed; give its URL."""
        port = free_port()
        self.start_own(name, module, COMFYD_PORT=str(port), **settings)
        return f"http://{LOOPBACK}:{port}"

    def another_machine_url(self) -> str:
        """Return an address where no machine answers yet."""
        return f"http://{LOOPBACK}:{free_port()}"

    def start_machine(self, name: str, url: str, folder: Path, *switches: str) -> None:
        """Start a stand-in."""
        port = url.rsplit(":", 1)[1]
        arguments = ("tests.standin", "--port", port, "--dir", str(folder), *switches)
        self._start(python_process(name, *arguments, logs=self.folder / "logs", env={}))

    def start(self, name: str) -> None:
        """Start again what was killed."""
        if name in self._servers.names:
            self._servers.launch(name)
            self._servers.wait_ready(name)
        else:
            self._supervisor.start(self._commands[name])

    def kill(self, name: str) -> None:
        """Kill -9, and wait for the end."""
        self._child(name).kill()

    def pid(self, name: str) -> int:
        """Return the process id of one of them."""
        return self._child(name).pid

    def exit_code(self, name: str) -> int | None:
        """Return how a process ended; None while it runs."""
        return self._child(name).exit_code

    def pid_of(self, name: str) -> int:
        """Return the process id of one."""
        return self._child(name).pid

    def end(self, name: str) -> None:
        """Stop one politely and forget it."""
        self._supervisor.children.pop(name).stop()

    @asynccontextmanager
    async def without(self, name: str) -> AsyncIterator[None]:
        """Kill one, and start it again at the end of the block."""
        self.kill(name)
        try:
            yield
        finally:
            self.start(name)

    def freeze(self, name: str) -> None:
        """Stop one in the middle of whatever it does."""
        os.kill(self._child(name).pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Continue a frozen process (SIGCONT)."""
        os.kill(self._child(name).pid, signal.SIGCONT)

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[None]:
        """Start again whatever ends, as `comfyd up` does."""
        watching = asyncio.create_task(self._supervisor.watch())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def until_ready(self, url: str) -> None:
        """Wait until an API accepts runs."""
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=5) as http:

            async def ready() -> bool:
                with suppress(httpx.TransportError):
                    return (await http.get("/health/ready")).is_success
                return False

            await eventually(ready)

    async def until_machine_ready(self) -> None:
        """Wait until the stand-in answers."""
        async with httpx.AsyncClient(
            base_url=self.machine_url, trust_env=False, timeout=40
        ) as http:

            async def ready() -> bool:
                with suppress(httpx.TransportError):
                    return (await http.get("/queue")).is_success
                return False

            await eventually(ready)

    def rendered(self) -> Counter[str]:
        """Count the executions by prompt id, over all lives of the machine."""
        log = self.machine_folder / "rendered.log"
        return Counter(log.read_text("utf-8").split() if log.exists() else ())

    def token(self, user: str, org: str | None = None) -> str:
        """Return a token for a user."""
        return Tokens(SECRET).issue(user_id=user, org_id=org, seconds=3600)

    def log_of(self, name: str) -> str:
        """Return what a process of comfyd's has logged."""
        return (self.folder / "logs" / f"{name}.log").read_text("utf-8")

    def warnings(self, *, last: int = 40) -> str:
        """Return the *last* lines that are worth a look in the logs of all processes, by time."""
        lines = (
            json.loads(line)
            for file in (self.folder / "logs").glob("*.log")
            for line in file.read_text("utf-8").splitlines()
            if line.startswith("{")
        )
        grave = [line for line in lines if line["level"] not in {"debug", "info"}]
        grave.sort(key=lambda line: str(line["timestamp"]))
        return "\n".join(json.dumps(line) for line in grave[-last:])

    def stop(self) -> None:
        """Stop everything that is ours."""
        for child in self._supervisor.children.values():
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGCONT)
        self._supervisor.stop()

    def _start(self, command: Command) -> None:
        self._commands[command.name] = command
        self._supervisor.start(command)

    def _child(self, name: str) -> Child:
        return (self._servers.children | self._supervisor.children)[name]


@asynccontextmanager
async def running_system(
    folder: Path, servers: Servers, env: Mapping[str, str], *, replicas: int = 1
) -> AsyncIterator[System]:
    """Start comfyd on servers that run already; stop it, and those of them in *servers*."""
    system = System(folder, servers, env, replicas=replicas)
    try:
        await system.prepare()
        yield system
    finally:
        system.stop()
