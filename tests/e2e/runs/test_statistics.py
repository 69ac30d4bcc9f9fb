"""Figures and filtered lists are those of the caller's runs."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.graphs import MISSING, card
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant, client_of


async def figures(tenant: Tenant, ended: int) -> Json:
    """Return the statistics once so many runs have ended in them."""

    async def asked() -> Json | None:
        answer = await tenant.http.get("/v1/statistics?hours=2")
        found: Json = answer.json()
        return found if sum(hour["success"] for hour in found["hours"]) == ended else None

    return await eventually(asked)


async def test_runs_are_counted_and_filtered(system: System) -> None:
    async with client_of(system, "frida") as http:
        frida = Tenant(http, system.machine_url)
        deployment = await frida.deploy(card(), name="card")
        run = await frida.run(deployment)
        found = await figures(frida, 1)
        soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")

        async def listed(**filters: str) -> list[str]:
            answer = await http.get("/v1/runs", params=filters)
            assert answer.status_code == 200, answer.text
            return [one["id"] for one in answer.json()["data"]]

        fitting: list[dict[str, str]] = [
            {"workflow_id": run["workflow_id"]},
            {"machine_id": run["machine_id"]},
            {"since": run["created_at"], "until": soon},
        ]
        for filters in fitting:
            assert await listed(**filters) == [run["id"]]
        for name in ("workflow_id", "machine_id"):
            assert await listed(**{name: MISSING}) == []
        assert await listed(since=soon) == []
        assert await listed(until=run["created_at"]) == []

    assert [hour["success"] for hour in found["hours"]] in ([0, 1], [1, 0])
    assert found["open"] == dict.fromkeys(found["open"], 0)
    assert (found["waiting"], found["machines"]) == ([], [])
    [render] = [hour["render"] for hour in found["hours"] if hour["render"]]
    assert 0 < render["p50"] == render["p95"] <= run["seconds"]["total"] + 0.001


@pytest.mark.parametrize("name", ["since", "until"])
async def test_a_moment_without_a_zone_is_refused(ada: Tenant, name: str) -> None:
    answer = await ada.http.get("/v1/runs", params={name: "2026-11-30T08:00:00"})
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (f"/{name}", "field_format")
