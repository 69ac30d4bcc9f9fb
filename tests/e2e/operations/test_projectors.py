"""Two projectors: one stands by quietly, and takes over within seconds when the other is killed."""

import json

import httpx

from tests.e2e.graphs import card
from tests.e2e.system import PATIENCE, System, eventually
from tests.e2e.tenant import Tenant

EVENTS = {"projector.following", "projector.standing_by", "projector.took_over"}


async def test_one_stands_by_quietly_and_takes_over_when_the_other_is_killed(
    system: System, ada: Tenant
) -> None:
    await _says(system, "projector", "ok")
    system.start_own("projector-beside", "consumers", "projector")
    try:
        await _says(system, "projector-beside", "standing by")
        system.kill("projector")
        await _says(system, "projector-beside", "ok")
        run = await ada.run(await ada.deploy(card()))
        await _is_listed(ada, run["id"])
    finally:
        system.start("projector")
        system.end("projector-beside")
    await _says(system, "projector", "ok")
    lines = [json.loads(line) for line in system.log_of("projector-beside").splitlines()]
    assert {line["level"] for line in lines} == {"info"}
    told = [line["event"] for line in lines if line["event"] in EVENTS]
    assert told == ["projector.standing_by", "projector.took_over"]


async def _says(system: System, name: str, state: str, *, within: float = PATIENCE) -> None:
    async def says() -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
                answer = await http.get(f"{system.internal_urls[name]}/health/ready")
        except httpx.TransportError:
            return False
        return answer.is_success and answer.json()["projection"] == state

    await eventually(says, within=within)


async def _is_listed(tenant: Tenant, run_id: str) -> None:
    async def listed() -> bool:
        runs = (await tenant.http.get("/v1/runs")).json()["data"]
        return run_id in {run["id"] for run in runs}

    await eventually(listed)
