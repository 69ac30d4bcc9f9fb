"""Machines of tests: registered, changed and listed as an administrator does."""

from typing import Any

from tests.e2e.system import eventually
from tests.e2e.tenant import Json, Tenant

TOKEN = "a-token-that-nobody-may-see"


async def register(tenant: Tenant, name: str, url: str, **more: Any) -> Json:
    answer = await tenant.http.post("/v1/machines", json={"name": name, "url": url, **more})
    assert answer.is_success, answer.text
    return dict(answer.json())


async def observed(tenant: Tenant, machine_id: str) -> Json:
    """Wait until somebody has looked at a machine."""

    async def look() -> Json | None:
        machine = (await tenant.http.get(f"/v1/machines/{machine_id}")).json()
        return machine if machine["snapshot"] else None

    return await eventually(look)


async def do(tenant: Tenant, machine: str, what: str, **json: Any) -> Json:
    answer = await tenant.http.post(f"/v1/machines/{machine}/{what}", **json)
    assert answer.is_success, answer.text
    return dict(answer.json())


async def listed(tenant: Tenant, machine: str, **query: str) -> bool:
    answer = await tenant.http.get("/v1/machines", params={"limit": "100", **query})
    return machine in {one["id"] for one in answer.json()["data"]}
