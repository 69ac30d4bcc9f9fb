"""What an operation answers the second time, while something runs, or when it refuses."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from app.openapi.examples import BODIES, DEPLOYMENT, GRAPH, MACHINE
from tests.e2e.graphs import slow
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant, client_of
from tests.observe.recorded_answers import Recorded

NOBODY = str(UUID(int=0))


class Asker:
    """Asks, and keeps what is answered."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.recorded = Recorded()
        self._http = tenant.http

    async def ask(
        self, method: str, path: str, status: int, name: str = "", id_: str = "", **sent: Any
    ) -> Json:
        """Send a request; keep the answer, which must have this status."""
        answer = await self.send(method, path, id_, **sent)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        self.recorded.note(method, path, answer, name)
        return dict(answer.json())

    async def send(self, method: str, path: str, id_: str = "", **sent: Any) -> httpx.Response:
        """Send a request."""
        address = path.partition("{")[0] + id_ + path.rpartition("}")[2] if id_ else path
        return await self._http.request(method, address, **sent)


@pytest.fixture
async def dana(system: System) -> Any:
    """Yield a tenant without any history."""
    async with client_of(system, "dana") as http:
        yield Asker(Tenant(http, system.machine_url))


async def test_an_answer_that_takes_more_than_one_request_is_as_its_example(dana: Asker) -> None:
    deployment = await dana.tenant.deploy(GRAPH, name="card")
    run_id = await _made_again(dana, deployment)
    await _stopped(dana)
    await _refused_in_classic_words(dana, deployment)
    await dana.tenant.http.post(f"/v1/runs/{run_id}/erase")

    async def erased() -> bool:
        answer = await dana.send("POST", "/v1/runs/{run_id}/erase", run_id)
        return answer.status_code == 200

    await eventually(erased)
    run = await dana.ask("POST", "/v1/runs/{run_id}/erase", 200, id_=run_id)

    url = dana.tenant.machine_url
    known = {deployment: DEPLOYMENT, run["machine_id"]: MACHINE, url: "http://192.168.1.20:8188"}
    assert dana.recorded.check(known) == []


async def _made_again(dana: Asker, deployment: str) -> str:
    """Make what is there, and runs that are waited for; give one of these."""
    machine = BODIES["registerMachine"]["A ComfyUI in your network"]
    await dana.tenant.http.post("/v1/machines", json=machine | {"url": dana.tenant.machine_url})
    await dana.ask("POST", "/v1/machines", 200, json=machine | {"url": dana.tenant.machine_url})
    await dana.ask("POST", "/v1/workflows", 200, json={"name": "card", "graph": GRAPH})
    body = {"deployment_id": deployment, "inputs": {"colour": 16711680}}
    wait = {"Prefer": "wait=30"}
    run = await dana.ask("POST", "/v1/runs", 200, json=body, headers=wait)
    again = {"inputs": {"colour": 255}}
    path = "/v1/runs/{run_id}/rerun"
    await dana.ask("POST", path, 200, id_=run["id"], json=again, headers=wait)
    plan = {"filter": {"deployment_id": deployment}, "dry_run": True}
    await dana.ask("POST", "/v1/runs/rerun", 200, json=plan)
    return str(run["id"])


async def _stopped(dana: Asker) -> None:
    """Cancel what runs."""
    deployment = await dana.tenant.deploy(slow(), name="slow")
    run_id = await dana.tenant.start(deployment, {"seed": 1})
    await dana.tenant.reaches(run_id, "running")
    await dana.ask("POST", "/v1/runs/{run_id}/cancel", 202, id_=run_id)
    await dana.tenant.ended(run_id)
    body = {"deployment_id": deployment, "inputs": [{"seed": 2}, {"seed": 3}]}
    batch = (await dana.send("POST", "/v1/batches", json=body)).json()

    async def one_runs() -> bool:
        # Of two that are next, either may be first.
        return "running" in [(await dana.tenant.read(each))["status"] for each in batch["runs"]]

    await eventually(one_runs)
    await dana.ask("POST", "/v1/batches/{batch_id}/cancel", 202, id_=batch["id"])
    for each in batch["runs"]:
        await dana.tenant.ended(each)


async def _refused_in_classic_words(dana: Asker, deployment: str) -> None:
    """Ask as clients of comfyui-deploy should not."""
    run, body = "/api/run", {"deployment_id": deployment}
    await dana.ask("GET", run, 400, "no_such_run", params={"run_id": NOBODY})
    await dana.ask("GET", run, 400, "invalid_request")
    await dana.ask("GET", "/api/status/{run_id}", 404, "not_found", NOBODY)
    await dana.ask("POST", run, 404, "not_found", json={"deployment_id": NOBODY})
    await dana.ask("POST", run, 400, "invalid_request", json={})
    await dana.ask("POST", run, 400, "malformed_json", content=b"{")
    wrong = body | {"inputs": {"colour": "red"}}
    await dana.ask("POST", run, 400, "invalid_inputs", json=wrong)
    key = {"Idempotency-Key": "order-42"}
    await dana.send("POST", run, json=body, headers=key)
    other = body | {"inputs": {"colour": 1}}
    await dana.ask("POST", run, 409, "idempotency_conflict", json=other, headers=key)
