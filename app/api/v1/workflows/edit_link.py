"""/v1/workflows/{workflow_id}/versions/{version}/edit-link: open a version in a page of ComfyUI."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from app.api.requests import identifier
from app.auth.caller import Caller
from app.auth.credentials import Credentials
from app.auth.scopes import DEPLOY, needs
from app.auth.session.access import PageAccess
from app.openapi import errors
from app.reads.machines import MachineReads
from app.reads.workflows import WorkflowReads

SECONDS = 600
"""How long a link opens its version. It stands in histories, and a plugin keeps what is in it."""


class EditLinkRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to open a version."""

    machine_id: Annotated[
        UUID, Meta(description="The machine in whose page it opens; the plugin must be there.")
    ]


class EditLinkView(Struct, frozen=True, kw_only=True):
    """An address that opens a version in ComfyUI."""

    url: Annotated[
        str, Meta(description="There is a ticket in it, which reads this version and nothing else.")
    ]

    expires_at: datetime


@post(
    "/v1/workflows/{workflow_id:str}/versions/{version:int}/edit-link",
    operation_id="createEditLink",
    status_code=201,
    opt=needs(DEPLOY),
    responses=errors("not_found"),
)
async def create_edit_link(
    request: Request[Any, Any, Any],
    workflow_reads: NamedDependency[WorkflowReads],
    machine_reads: NamedDependency[MachineReads],
    credentials: NamedDependency[Credentials],
    caller: NamedDependency[Caller],
    workflow_id: FromPath[str],
    version: FromPath[int],
    data: JSONBody[EditLinkRequest],
) -> Response[EditLinkView]:
    """Make an address at which ComfyUI, with a plugin of comfyui-deploy, opens this version."""
    _, found = await workflow_reads.version(caller, identifier(workflow_id), version)
    machine = await machine_reads.present(caller, data.machine_id)
    access: PageAccess = request.app.state.page_access
    ticket, ends = await credentials.issue_ticket(
        caller, f"version-{found.version_id}", seconds=SECONDS
    )
    query = {
        "workflow_version_id": found.version_id,
        "auth_token": ticket,
        "org_display": caller.org_id or caller.user_id or "",
        "origin": (access.public_url or str(request.base_url)).rstrip("/"),
    }
    view = EditLinkView(url=f"{machine.url.rstrip('/')}/?{urlencode(query)}", expires_at=ends)
    # No cache in between may keep it.
    return Response(content=view, headers={"Cache-Control": "no-store"})


ROUTES = [create_edit_link]
