"""A comfyd to measure: real servers once, its processes as each topic wants them."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx

from app.auth.tokens import Tokens
from app.cli.client.api_client import ApiClient
from app.cli.local.supervisor import python_process
from infra.embedded.child import Child, start
from infra.embedded.ports import remembered_ports
from infra.embedded.servers import Servers
from infra.jetstream.connection import Client, connected
from infra.jetstream.streams import declared as streams
from infra.postgres import Connection, connect
from projections.schema import create_tables
from tests.builders.facts import SEAL_KEY
from tests.servers.shared import drop_streams, embedded_servers

ROOT = Path(__file__).parents[2]
SECRET = "measured-in-the-open-so-no-secret-at-all"
USER = "bench"
READY_WITHIN = 20.0


class Stack:
    """The servers, and those processes of comfyd that run now."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        ports = remembered_ports(folder / "bench-ports.json", ["api", "comfyui", "bare"])
        self.servers = servers
        self.folder = folder
        self.port = ports["api"]
        self.bare_port = ports["bare"]
        self.machine_port = ports["comfyui"]
        self.machine_url = f"http://127.0.0.1:{self.machine_port}"
        self.children: dict[str, Child] = {}
        self.env: Mapping[str, str] = {
            **servers.env,
            "JWT_SECRET": SECRET,
            "COMFYD_SEAL_KEYS": SEAL_KEY,
            "COMFYD_ALLOW_PRIVATE_MACHINES": "true",
            "COMFYD_PORT": str(self.port),
            "COMFYD_SERVE_FILES": "true",
            # In force, so that what they cost is measured, but never reached.
            "COMFYD_RATE_LIMIT": "1000000000",
            "COMFYD_ADDRESS_LIMIT": "1000000000",
        }
        self.token = Tokens(SECRET).issue(user_id=USER, org_id=None, seconds=3600)

    async def fresh(self) -> None:
        """Stop comfyd and begin anew: empty streams, empty tables."""
        self.stop()
        async with self.nats() as client, self.postgres() as connection:
            await drop_streams(client)
            await streams.migrate(client, replicas=int(self.env.get("COMFYD_REPLICAS", 1)))
            await connection.execute("DROP SCHEMA IF EXISTS read CASCADE")
            await connection.execute("DROP SCHEMA IF EXISTS hints CASCADE")
            await create_tables(connection)

    async def start(self, *names: str) -> None:
        """Start processes: api, projector, worker, comfyui. Waits for those that serve HTTP."""
        for name in names:
            self.launch(name)
        async with httpx.AsyncClient(trust_env=False) as http:
            if "comfyui" in names:
                await _answers(http, f"{self.machine_url}/system_stats")
            if "api" in names:
                await _answers(http, f"http://127.0.0.1:{self.port}/health/ready")
            if "bare" in names:
                await _answers(http, f"http://127.0.0.1:{self.bare_port}/")

    def stop(self, *names: str) -> None:
        """Stop those processes, by default all."""
        children = [self.children.pop(name) for name in names or tuple(self.children)]
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.stop()

    @asynccontextmanager
    async def nats(self) -> AsyncIterator[Client]:
        """Connect to NATS."""
        async with connected(self.env["NATS_URL"], name="bench") as client:
            yield client

    @asynccontextmanager
    async def postgres(self) -> AsyncIterator[Connection]:
        """Connect to Postgres."""
        async with connect(self.env["POSTGRES_URL"]) as connection:
            yield connection

    @asynccontextmanager
    async def api(self) -> AsyncIterator[ApiClient]:
        """Connect to the API as the owner of everything here."""
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {self.token}"},
            trust_env=False,
            timeout=30,
        ) as http:
            yield ApiClient(http)

    async def deploy(self, name: str, graph: Mapping[str, Any]) -> str:
        """Deploy a graph to the stand-in; give the deployment's id."""
        async with self.api() as api:
            machine = await api.post("/v1/machines", {"name": "m", "url": self.machine_url})
            version = await api.post("/v1/workflows", {"name": name, "graph": graph})
            path = f"/v1/workflows/{version['workflow_id']}/deployments/production"
            body = {"version": version["version"], "machine_id": machine["id"]}
            deployment = await api.put(path, body)
        return str(deployment["id"])

    def launch(self, name: str) -> None:
        """Start one process without waiting for it."""
        logs = self.folder / "logs"
        arguments = {
            "api": ("app",),
            "projector": ("consumers", "projector"),
            "worker": ("consumers", "worker"),
            "comfyui": ("tests.standin", *self._machine_options()),
            "bare": ("tests.bench.bare_asgi", str(self.bare_port)),
        }
        command = python_process(name, *arguments[name], logs=logs, env=self._env_of(name))
        self.children[name] = start(command)

    def _env_of(self, name: str) -> Mapping[str, str]:
        if name in {"comfyui", "bare"}:
            return {"PYTHONPATH": str(ROOT)}
        return self.env

    def _machine_options(self) -> tuple[str, ...]:
        folder = self.folder / "comfyui"
        folder.mkdir(exist_ok=True)
        return ("--port", str(self.machine_port), "--dir", str(folder))


@contextmanager
def running_stack(folder: Path) -> Iterator[Stack]:
    """Start the servers in *folder*, each write to the log synced; stop all at the end."""
    with embedded_servers(folder) as servers:
        stack = Stack(servers, folder)
        try:
            yield stack
        finally:
            stack.stop()


async def _answers(http: httpx.AsyncClient, url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while True:
        try:
            if (await http.get(url)).is_success:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} does not answer")
        await asyncio.sleep(0.02)
