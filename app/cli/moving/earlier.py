"""What earlier imports have made here: found by the ids of comfyui-deploy, which are aliases."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from app.cli.client.api_client import Json
from app.cli.moving.lines import COMMENT
from app.cli.moving.plan import Earlier, Made, Owner, Plan, machines_of_tenants, owner_of
from app.cli.moving.tenants import Refused, TenantApi
from infra.comfyui_deploy.source import SourceRows
from infra.gather_bounded import gather_bounded

AT_ONCE = 8
"""Questions that are under way at the same time."""


async def earlier_imports(rows: SourceRows, api: TenantApi) -> Earlier:
    """Return what is here already of the rows.

    Raises:
        httpx.HTTPError, OtherSecret: the server is away, or does not take the tokens.

    """
    used = machines_of_tenants(rows)
    machines = await gather_bounded(
        lambda one: _machine(api, one[1], one[0].id), used, at_once=AT_ONCE
    )
    workflows = await gather_bounded(
        lambda row: _workflow(api, owner_of(row), row.id), rows.workflows, at_once=AT_ONCE
    )
    return Earlier(
        machines={
            (owner.tenant, row.id): made
            for (row, owner), made in zip(used, machines, strict=True)
            if made
        },
        workflows={
            row.id: made for row, made in zip(rows.workflows, workflows, strict=True) if made
        },
    )


async def gone(plan: Plan, api: TenantApi) -> AsyncIterator[tuple[Owner, Json]]:
    """Yield the workflows that an import has made and that the plan does not name any more."""
    names = {(workflow.owner.tenant, workflow.name) for workflow in plan.workflows}
    for owner in plan.owners().values():
        cursor = ""
        while True:
            page = (await api.call(owner, "GET", f"/v1/workflows?limit=100{cursor}")).body
            for found in page["data"]:
                imported = found["latest"]["comment"].startswith(COMMENT)
                if imported and (owner.tenant, found["name"]) not in names:
                    yield owner, found
            if not page["next_cursor"]:
                break
            cursor = f"&cursor={quote(page['next_cursor'], safe='')}"


async def _machine(api: TenantApi, owner: Owner, foreign_id: str) -> Made | None:
    found = await _found(api, owner, f"/api/machine/{foreign_id}")
    return Made(found["id"], found["name"], found["endpoint"]) if found else None


async def _workflow(api: TenantApi, owner: Owner, foreign_id: str) -> Made | None:
    versions = await _found(api, owner, f"/api/workflow/{foreign_id}/versions?limit=1")
    if not versions:
        return None
    [version] = versions
    found = await _found(api, owner, f"/v1/workflows/{version['workflow_id']}")
    return Made(found["id"], found["name"]) if found else None


async def _found(api: TenantApi, owner: Owner, path: str) -> Any:
    try:
        return (await api.call(owner, "GET", path)).body
    except Refused as refused:
        if refused.status != HTTPStatus.NOT_FOUND:
            raise
        return None
