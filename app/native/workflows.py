"""/v1/workflows: graphs, saved as versions that never change."""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct

from app.auth import Caller
from app.house import House
from app.native.paging import DEFAULT_LIMIT, Limit, ListView, before_of, list_view
from app.native.requests import PushVersionRequest, identifier
from events import identity
from events.decider import WORKFLOW
from events.errors import InvalidGraph, NotFound
from events.graph import check_graph
from events.inputs import InputField, input_schema
from events.workflow import PushVersion, Workflow, WorkflowVersionCreated
from infra.event_store import load
from infra.object_keys import graph_key
from projections.queries import list_workflows

_canonical = msgspec.json.Encoder(order="deterministic").encode


class VersionView(Struct, frozen=True, kw_only=True):
    """A version of a workflow."""

    workflow_id: UUID
    name: str
    version_id: UUID
    version: int
    inputs: tuple[InputField, ...]
    comment: str
    author: str
    created_at: datetime


class WorkflowView(Struct, frozen=True, kw_only=True):
    """A workflow with its versions, newest first."""

    id: UUID
    name: str
    created_at: datetime
    versions: list[VersionView]


@post("/v1/workflows", status_code=201)
async def push_version(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    data: JSONBody[PushVersionRequest],
) -> Response[VersionView]:
    """Save a graph as a version of the workflow of that name; the same graph again adds none."""
    graph = _checked(data.graph)
    body = _canonical(graph)
    sha256 = hashlib.sha256(body).hexdigest()
    workflow_id = identity.workflow_id(caller.tenant, data.name)
    session = await load(house.store, WORKFLOW, workflow_id)
    command = PushVersion(
        workflow_id=workflow_id,
        name=data.name,
        user_id=caller.user_id,
        org_id=caller.org_id,
        graph_key=await _store(house, caller, body),
        graph_sha256=sha256,
        ui_graph_key=(
            await _store(house, caller, _canonical(data.ui_graph)) if data.ui_graph else None
        ),
        inputs=input_schema(graph),
        comment=data.comment,
        author=caller.user_id or "",
        now=house.now(),
    )
    added = await session.execute(command, house.meta(caller))
    assert session.state is not None  # it has at least this version
    view = version_view(session.state, session.state.versions[-1])
    return Response(content=view, status_code=201 if added else 200)


@get("/v1/workflows")
async def workflows(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView:
    """List workflows, newest first."""
    async with house.pool.connection() as connection:
        page = await list_workflows(
            connection, tenant=caller.tenant, limit=limit, before=before_of(cursor)
        )
    return list_view(page, lambda row: workflow_view(row.state))


@get("/v1/workflows/{workflow_id:str}")
async def read_workflow(
    house: NamedDependency[House], caller: NamedDependency[Caller], workflow_id: FromPath[str]
) -> WorkflowView:
    """Read a workflow with its versions."""
    return workflow_view(await find_workflow(house, caller, identifier(workflow_id)))


async def find_workflow(house: House, caller: Caller, workflow_id: UUID) -> Workflow:
    """Give a workflow of the caller's.

    Raises:
        NotFound: the caller has no such workflow.

    """
    session = await load(house.store, WORKFLOW, workflow_id)
    if session.state is None or session.tenant != caller.tenant:
        raise NotFound("there is no workflow with this id")
    return session.state


async def _store(house: House, caller: Caller, body: bytes) -> str:
    sha256 = hashlib.sha256(body).hexdigest()
    key = graph_key(caller.tenant, sha256, secret=house.settings.jwt_secret.encode())
    await house.storage.put_bytes(key, body, "application/json")
    return key


def _checked(graph: dict[str, Any]) -> Any:
    """Check a graph; its problems point into the request."""
    try:
        return check_graph(graph)
    except InvalidGraph as error:
        problems = [
            msgspec.structs.replace(p, pointer=f"/graph{p.pointer}") for p in error.problems
        ]
        raise InvalidGraph(problems=problems) from error


def version_view(workflow: Workflow, version: WorkflowVersionCreated) -> VersionView:
    """Show a version."""
    return VersionView(
        workflow_id=workflow.id,
        name=workflow.name,
        version_id=version.version_id,
        version=version.version,
        inputs=version.inputs,
        comment=version.comment,
        author=version.author,
        created_at=version.at,
    )


def workflow_view(workflow: Workflow) -> WorkflowView:
    """Show a workflow."""
    return WorkflowView(
        id=workflow.id,
        name=workflow.name,
        created_at=workflow.created_at,
        versions=[version_view(workflow, version) for version in reversed(workflow.versions)],
    )


ROUTES = [push_version, workflows, read_workflow]
