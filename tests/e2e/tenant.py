"""A client of the API: one tenant with a token, who deploys graphs and makes runs."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx

from tests.e2e.system import PATIENCE, System, eventually
from tests.observe.described import check_described

ENDS = {"success", "failed", "cancelled", "timeout"}
Json = dict[str, Any]


class Tenant:
    """Somebody with a token."""

    def __init__(self, http: httpx.AsyncClient, machine_url: str) -> None:
        self.http = http
        self.machine_url = machine_url

    async def machine(self, url: str = "") -> str:
        """Register a machine; give its id."""
        body = {"name": url or "local", "url": url or self.machine_url}
        return str((await self._ok("POST", "/v1/machines", body))["id"])

    async def deploy(
        self, graph: Json, *, machine_url: str = "", name: str = "", machine_id: str = ""
    ) -> str:
        """Push and promote a graph; give the deployment's id."""
        # A name that follows from the graph: the same graph is the same workflow.
        name = name or hashlib.sha256(json.dumps(graph).encode()).hexdigest()[:16]
        pushed = await self._ok("POST", "/v1/workflows", {"name": name, "graph": graph})
        path = f"/v1/workflows/{pushed['workflow_id']}/deployments/production"
        machine = machine_id or await self.machine(machine_url)
        body = {"version": pushed["version"], "machine_id": machine}
        return str((await self._ok("PUT", path, body))["id"])

    async def create(
        self, deployment: str, inputs: Mapping[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """Ask for a run."""
        body = {"deployment_id": deployment, "inputs": inputs or {}}
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post("/v1/runs", json=body, headers=sent)

    async def start(self, deployment: str, inputs: Mapping[str, Any] | None = None) -> str:
        """Make a run; give its id."""
        answer = await self.create(deployment, inputs)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def run(self, deployment: str, inputs: Mapping[str, Any] | None = None) -> Json:
        """Make a run and wait for its end."""
        answer = await self.create(deployment, inputs, Prefer="wait=30")
        assert answer.is_success, answer.text
        return await self.ended(answer.json()["id"])

    async def ended(self, run_id: str, *, within: float = PATIENCE) -> Json:
        """Wait for the end of a run."""
        return await self.reaches(run_id, *ENDS, within=within)

    async def reaches(self, run_id: str, *statuses: str, within: float = PATIENCE) -> Json:
        """Wait until a run has one of these statuses."""

        async def look() -> Json | None:
            run = await self.read(run_id)
            reached = run["status"] in statuses
            assert reached or run["status"] not in ENDS, f"it is {run['status']}: {run['error']}"
            return run if reached else None

        return await eventually(look, within=within)

    async def read(self, run_id: str) -> Json:
        """Read a run."""
        return await self._ok("GET", f"/v1/runs/{run_id}")

    async def cancel(self, run_id: str) -> httpx.Response:
        """Ask to stop a run."""
        return await self.http.post(f"/v1/runs/{run_id}/cancel")

    async def faults(self) -> set[str]:
        """Return the codes of the faults that the doctor finds."""
        checks = (await self._ok("GET", "/v1/doctor"))["checks"]
        return {check["code"] for check in checks if not check["ok"]}

    async def _ok(self, method: str, path: str, body: Json | None = None) -> Json:
        answer = await self.http.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return dict(answer.json())


async def observed_machine(tenant: Tenant) -> str:
    """Wait until it is known what the tenant's machine can do."""
    machine = await tenant.machine()

    async def look() -> bool:
        return bool((await tenant.http.get(f"/v1/machines/{machine}")).json()["snapshot"])

    await eventually(look)
    return machine


def client_of(system: System, user: str, *, url: str = "") -> httpx.AsyncClient:
    """Return a client that acts for *user*."""
    return httpx.AsyncClient(
        base_url=url or system.url,
        headers={"Authorization": f"Bearer {system.token(user)}"},
        timeout=40,
        trust_env=False,
        event_hooks={"response": [check_described]},
    )


async def download(url: str) -> bytes:
    """Fetch a file as anybody would, without a token."""
    async with httpx.AsyncClient(trust_env=False, timeout=40) as http:
        return (await http.get(url)).raise_for_status().content


def run_uuid(run: Json) -> UUID:
    """Return a run's id."""
    return UUID(run["id"])
