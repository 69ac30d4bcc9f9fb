"""/v1/machines, /v1/workflows and /v1/deployments: what is set up before a run."""

import hashlib
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from app.auth import Caller
from app.house import House
from app.native.requests import (
    PromoteRequest,
    PushVersionRequest,
    RegisterMachineRequest,
    bad,
    before_of,
    cursor_of,
    environment,
    identifier,
)
from app.native.shapes import (
    DeploymentView,
    ListView,
    MachineView,
    VersionView,
    WorkflowView,
    deployment_view,
    machine_view,
    version_view,
    workflow_view,
)
from events import identity
from events.decider import DEPLOYMENT, MACHINE, WORKFLOW
from events.deployment import DeploymentPromoted, PromoteVersion
from events.errors import InvalidGraph, NotFound
from events.graph import check_graph
from events.inputs import input_schema
from events.machine import MachineRegistered, RegisterMachine
from events.workflow import PushVersion, Workflow
from infra.event_store import load
from infra.object_keys import graph_key
from projections.queries import list_deployments, list_machines, list_workflows

Limit = Annotated[int, QueryParameter(ge=1, le=100)]

_canonical = msgspec.json.Encoder(order="deterministic").encode


@post("/v1/machines", status_code=201)
async def register_machine(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    data: JSONBody[RegisterMachineRequest],
) -> Response[MachineView]:
    """Make a ComfyUI known under a name; the same name again moves it to the new URL."""
    address = urlsplit(data.url)
    if address.scheme not in {"http", "https"} or not address.hostname or address.username:
        raise bad("bad_machine_url", "/url")
    machine_id = identity.machine_id(caller.tenant, data.name)
    session = await load(house.store, MACHINE, machine_id)
    known = session.state is not None
    registered = MachineRegistered(
        machine_id=machine_id,
        name=data.name,
        url=data.url.rstrip("/"),
        driver="comfyui",
        user_id=caller.user_id,
        org_id=caller.org_id,
        at=house.now(),
    )
    await session.execute(RegisterMachine(registered=registered), house.meta(caller))
    assert session.state is not None  # it was just registered
    return Response(content=machine_view(session.state), status_code=200 if known else 201)


@get("/v1/machines")
async def machines(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    limit: Limit = 20,
    cursor: FromQuery[str | None] = None,
) -> ListView:
    """List machines, newest first."""
    async with house.pool.connection() as connection:
        page = await list_machines(
            connection, tenant=caller.tenant, limit=limit, before=before_of(cursor)
        )
    return ListView(
        data=[machine_view(row.state) for row in page.rows],
        has_more=page.has_more,
        next_cursor=cursor_of(page.next_before),
    )


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
    limit: Limit = 20,
    cursor: FromQuery[str | None] = None,
) -> ListView:
    """List workflows, newest first."""
    async with house.pool.connection() as connection:
        page = await list_workflows(
            connection, tenant=caller.tenant, limit=limit, before=before_of(cursor)
        )
    return ListView(
        data=[workflow_view(row.state) for row in page.rows],
        has_more=page.has_more,
        next_cursor=cursor_of(page.next_before),
    )


@get("/v1/workflows/{workflow_id:str}")
async def read_workflow(
    house: NamedDependency[House], caller: NamedDependency[Caller], workflow_id: FromPath[str]
) -> WorkflowView:
    """Read a workflow with its versions."""
    return workflow_view(await _workflow(house, caller, identifier(workflow_id)))


@put("/v1/workflows/{workflow_id:str}/deployments/{environment_name:str}")
async def promote(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    workflow_id: FromPath[str],
    environment_name: FromPath[str],
    data: JSONBody[PromoteRequest],
) -> DeploymentView:
    """Let an environment run a version, on a machine. Runs that have begun keep theirs."""
    target = environment(environment_name)
    workflow = await _workflow(house, caller, identifier(workflow_id))
    version = workflow.version(data.version)
    machine = await load(house.store, MACHINE, data.machine_id)
    if machine.state is None or machine.tenant != caller.tenant:
        raise NotFound("there is no machine with this id")
    deployment_id = identity.deployment_id(workflow.id, target)
    session = await load(house.store, DEPLOYMENT, deployment_id)
    promoted = DeploymentPromoted(
        deployment_id=deployment_id,
        workflow_id=workflow.id,
        workflow_name=workflow.name,
        environment=target,
        user_id=caller.user_id,
        org_id=caller.org_id,
        version_id=version.version_id,
        version=version.version,
        graph_key=version.graph_key,
        ui_graph_key=version.ui_graph_key,
        inputs=version.inputs,
        machine_id=data.machine_id,
        by=caller.actor,
        at=house.now(),
    )
    await session.execute(PromoteVersion(promoted=promoted), house.meta(caller))
    assert session.state is not None  # it was just promoted
    return deployment_view(session.state)


@get("/v1/deployments")
async def deployments(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    limit: Limit = 20,
    cursor: FromQuery[str | None] = None,
) -> ListView:
    """List deployments, newest first."""
    async with house.pool.connection() as connection:
        page = await list_deployments(
            connection, tenant=caller.tenant, limit=limit, before=before_of(cursor)
        )
    return ListView(
        data=[deployment_view(row.state) for row in page.rows],
        has_more=page.has_more,
        next_cursor=cursor_of(page.next_before),
    )


@get("/v1/deployments/{deployment_id:str}")
async def read_deployment(
    house: NamedDependency[House], caller: NamedDependency[Caller], deployment_id: FromPath[str]
) -> DeploymentView:
    """Read a deployment: what it runs, and the inputs it takes."""
    session = await load(house.store, DEPLOYMENT, identifier(deployment_id))
    if session.state is None or session.tenant != caller.tenant:
        raise NotFound("there is no deployment with this id")
    return deployment_view(session.state)


async def _workflow(house: House, caller: Caller, workflow_id: UUID) -> Workflow:
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


ROUTES = [
    register_machine,
    machines,
    push_version,
    workflows,
    read_workflow,
    promote,
    deployments,
    read_deployment,
]
