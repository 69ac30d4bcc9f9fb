"""/v1/workflows: graphs, saved as versions that never change."""

from typing import Annotated

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from app.api.v1.paging import (
    DEFAULT_LIMIT,
    Limit,
    ListView,
    NameFilter,
    before_of,
    cursor_of,
    list_view,
)
from app.api.v1.requests import PushVersionRequest, identifier
from app.api.v1.workflow_views import (
    DiffView,
    PushedVersionView,
    VersionDetailView,
    VersionView,
    WorkflowItemView,
    WorkflowView,
    diff_view,
    pushed_version_view,
    version_detail_view,
    version_view,
    workflow_item_view,
    workflow_view,
)
from app.auth.caller import Caller
from app.auth.scopes import DEPLOY, RUNS_READ, needs
from app.find_workflow import find_version, find_workflow
from app.house import House
from app.openapi import errors, response
from app.pushed_graphs import graphs_in, inputs_of, runnable, store, stored, stored_json
from events import identity
from events.decider import WORKFLOW
from events.graph_diff import GraphDiff, diff_inputs, diff_nodes
from events.workflow import PushVersion, Workflow
from infra.event_store import load
from infra.offload import in_thread
from projections.queries import list_workflows

From = Annotated[int, QueryParameter(name="from", ge=1)]
To = Annotated[int, QueryParameter(ge=1)]


@post(
    "/v1/workflows",
    operation_id="pushVersion",
    status_code=201,
    opt=needs(DEPLOY),
    responses=response(
        200, PushedVersionView, "A version with exactly this content was there already."
    )
    | errors("not_found", "invalid_graph", "machine_unobserved", "too_large", "too_many_changes"),
)
async def push_version(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    data: JSONBody[PushVersionRequest],
) -> Response[PushedVersionView]:
    """Save a graph as a version of the workflow of that name; what it holds already adds none."""
    found = await in_thread(graphs_in, data.graph, data.ui_graph)
    graph = await runnable(house, caller, found, data.machine_id)
    inputs = await in_thread(inputs_of, graph)
    in_api_format = await store(house, caller, graph)
    in_editors = await store(house, caller, found.ui.graph) if found.ui and found.ui.graph else None
    command = PushVersion(
        workflow_id=identity.workflow_id(caller.tenant, data.name),
        name=data.name,
        user_id=caller.user_id,
        org_id=caller.org_id,
        graph_key=in_api_format.key,
        graph_sha256=in_api_format.sha256,
        ui_graph_key=in_editors.key if in_editors else None,
        inputs=inputs,
        comment=data.comment,
        author=caller.user_id or caller.actor,
        now=house.now(),
        source="api" if found.api else "ui",
        custom_nodes=data.custom_nodes,
    )
    session = await load(house.store, WORKFLOW, command.workflow_id)
    added = await session.execute(command, house.meta(caller))
    workflow = session.existing
    version = workflow.same_as(command)
    assert version is not None  # it was there, or has just been added
    view = await in_thread(pushed_version_view, workflow, version, graph, language)
    return Response(content=view, status_code=201 if added else 200)


@get("/v1/workflows", operation_id="listWorkflows", opt=needs(DEPLOY, RUNS_READ))
async def workflows(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
    name: NameFilter = None,
) -> ListView[WorkflowItemView]:
    """List workflows, newest first, each with its latest version; with a name, that one alone."""
    async with house.pool.connection() as connection:
        page = await list_workflows(
            connection, tenant=caller.tenant, limit=limit, before=before_of(cursor), name=name
        )
    return list_view(page, lambda row: workflow_item_view(row.state))


@get(
    "/v1/workflows/{workflow_id:str}",
    operation_id="getWorkflow",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found"),
)
async def read_workflow(
    house: NamedDependency[House], caller: NamedDependency[Caller], workflow_id: FromPath[str]
) -> WorkflowView:
    """Read a workflow with its latest versions."""
    return workflow_view(await find_workflow(house, caller, identifier(workflow_id)))


@get(
    "/v1/workflows/{workflow_id:str}/versions",
    operation_id="listWorkflowVersions",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found"),
)
async def versions(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    workflow_id: FromPath[str],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[VersionView]:
    """List the versions of a workflow, newest first."""
    workflow = await find_workflow(house, caller, identifier(workflow_id))
    before = before_of(cursor)
    older = [v for v in reversed(workflow.versions) if before is None or v.version < before]
    shown = older[:limit]
    has_more = len(older) > limit
    return ListView(
        data=[version_view(workflow, version) for version in shown],
        has_more=has_more,
        next_cursor=cursor_of(shown[-1].version) if has_more else None,
    )


@get(
    "/v1/workflows/{workflow_id:str}/versions/{version:int}",
    operation_id="getWorkflowVersion",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found"),
)
async def read_version(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    workflow_id: FromPath[str],
    version: FromPath[int],
) -> VersionDetailView:
    """Read a version with its graphs and its custom nodes."""
    workflow, found = await find_version(house, caller, identifier(workflow_id), version)
    ui_graph = await stored_json(house, found.ui_graph_key) if found.ui_graph_key else None
    graph = await stored_json(house, found.graph_key)
    return version_detail_view(workflow, found, graph=graph, ui_graph=ui_graph)


@get(
    "/v1/workflows/{workflow_id:str}/diff",
    operation_id="compareVersions",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found", "invalid_request"),
)
async def compare_versions(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    workflow_id: FromPath[str],
    before: From,
    to: To,
) -> DiffView:
    """Tell what is different between two versions: first in the inputs, then in the nodes."""
    workflow = await find_workflow(house, caller, identifier(workflow_id))
    return diff_view(before, to, await _difference(house, workflow, before, to))


async def _difference(house: House, workflow: Workflow, before: int, after: int) -> GraphDiff:
    old, new = workflow.version(before), workflow.version(after)
    if old.graph_sha256 == new.graph_sha256:
        return GraphDiff()
    graphs = [await stored(house, version.graph_key) for version in (old, new)]
    inputs = diff_inputs(old.inputs, new.inputs)
    return GraphDiff(inputs=inputs, nodes=await in_thread(diff_nodes, *graphs))


ROUTES = [push_version, workflows, read_workflow, versions, read_version, compare_versions]
