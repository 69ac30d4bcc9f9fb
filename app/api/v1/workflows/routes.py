"""/v1/workflows: graphs, saved as versions that never change."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from app.api.requests import Comment, Name, identifier
from app.api.v1.paging import (
    DEFAULT_LIMIT,
    Limit,
    ListView,
    NameFilter,
    before_of,
    cursor_of,
    list_view,
)
from app.api.v1.workflows.views import (
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
from app.commands.workflows.push import PushWorkflow
from app.openapi import errors, response
from app.reads.graphs import Graphs
from app.reads.workflows import WorkflowReads
from infra.offload import in_thread

From = Annotated[int, QueryParameter(name="from", ge=1)]
To = Annotated[int, QueryParameter(ge=1)]


MOST_PACKS = 1000
CustomNode = Annotated[str, Meta(max_length=2000)] | dict[str, Any]
"""A version, a commit or a URL of a pack, or several such facts."""


class PushVersionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A graph to save as the next version of the workflow of that name."""

    name: Name
    graph: Annotated[
        dict[str, Any] | None,
        Meta(description="In API format. Without one, it is made from ui_graph."),
    ] = None

    ui_graph: Annotated[
        dict[str, Any] | None,
        Meta(
            description="The same in the editor's format, kept for people and for nodes that "
            "need it."
        ),
    ] = None

    machine_id: Annotated[
        UUID | None,
        Meta(
            description="The machine whose node classes are used to convert ui_graph; not needed "
            "if all are alike."
        ),
    ] = None

    comment: Comment = ""
    custom_nodes: Annotated[
        dict[Name, CustomNode],
        Meta(
            max_length=MOST_PACKS,
            description="The packs of custom nodes it was made with, by name.",
        ),
    ] = {}


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
    push_workflow: NamedDependency[PushWorkflow],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    data: JSONBody[PushVersionRequest],
) -> Response[PushedVersionView]:
    """Save a graph as a version of the workflow of that name; what it holds already adds none."""
    pushed = await push_workflow.push(
        caller,
        name=data.name,
        graph=data.graph,
        ui_graph=data.ui_graph,
        machine_id=data.machine_id,
        comment=data.comment,
        custom_nodes=data.custom_nodes,
    )
    view = await in_thread(
        pushed_version_view, pushed.workflow, pushed.version, pushed.graph, language
    )
    return Response(content=view, status_code=201 if pushed.added else 200)


@get("/v1/workflows", operation_id="listWorkflows", opt=needs(DEPLOY, RUNS_READ))
async def workflows(
    workflow_reads: NamedDependency[WorkflowReads],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
    name: NameFilter = None,
) -> ListView[WorkflowItemView]:
    """List workflows, newest first, each with its latest version; with a name, that one alone."""
    page = await workflow_reads.page(caller, limit=limit, before=before_of(cursor), name=name)
    return list_view(page, lambda row: workflow_item_view(row.state))


@get(
    "/v1/workflows/{workflow_id:str}",
    operation_id="getWorkflow",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found"),
)
async def read_workflow(
    workflow_reads: NamedDependency[WorkflowReads],
    caller: NamedDependency[Caller],
    workflow_id: FromPath[str],
) -> WorkflowView:
    """Read a workflow with its latest versions."""
    return workflow_view(await workflow_reads.find(caller, identifier(workflow_id)))


@get(
    "/v1/workflows/{workflow_id:str}/versions",
    operation_id="listWorkflowVersions",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found"),
)
async def versions(
    workflow_reads: NamedDependency[WorkflowReads],
    caller: NamedDependency[Caller],
    workflow_id: FromPath[str],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[VersionView]:
    """List the versions of a workflow, newest first."""
    workflow = await workflow_reads.find(caller, identifier(workflow_id))
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
    workflow_reads: NamedDependency[WorkflowReads],
    graphs: NamedDependency[Graphs],
    caller: NamedDependency[Caller],
    workflow_id: FromPath[str],
    version: FromPath[int],
) -> VersionDetailView:
    """Read a version with its graphs and its custom nodes."""
    workflow, found = await workflow_reads.version(caller, identifier(workflow_id), version)
    ui_graph = await graphs.read_json(found.ui_graph_key) if found.ui_graph_key else None
    graph = await graphs.read_json(found.graph_key)
    return version_detail_view(workflow, found, graph=graph, ui_graph=ui_graph)


@get(
    "/v1/workflows/{workflow_id:str}/diff",
    operation_id="compareVersions",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found", "invalid_request"),
)
async def compare_versions(
    workflow_reads: NamedDependency[WorkflowReads],
    caller: NamedDependency[Caller],
    workflow_id: FromPath[str],
    before: From,
    to: To,
) -> DiffView:
    """Compare two versions: first their inputs, then their nodes."""
    workflow = await workflow_reads.find(caller, identifier(workflow_id))
    return diff_view(before, to, await workflow_reads.difference(workflow, before, to))


ROUTES = [push_version, workflows, read_workflow, versions, read_version, compare_versions]
