"""/api/workflow: save graphs as versions and read them, as comfyui-deploy's plugins do.

Two generations of plugins share these addresses: one sends objects and the name of the workflow
in `workflow_name`, the other graphs as text and `name`. Both are taken, and both find their keys.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypedDict
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct
from msgspec.structs import replace

from app.api.classic.rows import (
    ClassicVersion,
    ClassicVersionDetail,
    ClassicWorkflow,
    ClassicWorkflowDetail,
    version_detail,
    version_row,
    workflow_detail,
    workflow_row,
)
from app.api.requests import Comment, Name
from app.auth.caller import Caller
from app.auth.scopes import DEPLOY, RUNS_READ, VERSION, needs
from app.commands.workflows.push import PushedVersion, PushWorkflow
from app.http.bad_request import bad
from app.openapi import errors
from app.reads.aliases import AliasReads
from app.reads.graphs import Graphs
from app.reads.workflows import WorkflowReads
from events.alias import AliasKind
from events.errors import InvalidGraph, NotFound
from events.packs import custom_nodes_in
from events.workflow import Workflow, WorkflowVersionCreated

LONGEST_ID = 100
MOST_VERSIONS = 100
"""Versions that a workflow is shown with; the list of versions has all."""

Graph = dict[str, Any] | str
"""A graph, or its JSON as text."""

ForeignId = Annotated[str, Meta(max_length=LONGEST_ID)]
Search = Annotated[str, QueryParameter(max_length=200, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]
Offset = Annotated[int, QueryParameter(ge=0, le=1_000_000)]


class UploadRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A graph to save: as the next version of a workflow, or as the first of a new one."""

    workflow_id: ForeignId | None = None
    workflow_name: Annotated[str, Meta(max_length=200)] | None = None
    name: Name | None = None
    workflow: Annotated[Graph | None, Meta(description="In the editor's format.")] = None
    workflow_json: Annotated[Graph | None, Meta(description="The same, by its later name.")] = None
    workflow_api: Annotated[Graph | None, Meta(description="In API format.")] = None
    snapshot: Annotated[
        dict[str, Any] | None, Meta(description="Of ComfyUI-Manager: which packs it was made with.")
    ] = None

    dependencies: Annotated[Any, Meta(description="Not kept.")] = None
    machine_id: ForeignId | None = None
    comment: Comment = ""


class VersionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A graph to save as the next version of the workflow in the address."""

    workflow: Annotated[Graph | None, Meta(description="In the editor's format.")] = None
    workflow_api: Annotated[Graph | None, Meta(description="In API format.")] = None
    comment: Comment | None = None


class Uploaded(TypedDict):
    """The version that holds what was sent."""

    workflow_id: str
    version: int
    version_id: str
    machine_id: str | None


_PUSH_ERRORS = errors(
    "not_found", "invalid_graph", "machine_unobserved", "too_large", "too_many_changes"
)


async def _upload(
    push_workflow: PushWorkflow,
    workflow_reads: WorkflowReads,
    alias_reads: AliasReads,
    caller: Caller,
    data: UploadRequest,
) -> Uploaded:
    name = data.workflow_name or data.name
    if data.workflow_id:
        workflow_id = await alias_reads.resolve(caller, AliasKind.WORKFLOW, data.workflow_id)
        # A version of what is there keeps its name, whatever the plugin calls it.
        name = (await workflow_reads.find(caller, workflow_id)).name
    if not name:
        raise bad("field_missing", "/workflow_name", field="workflow_name")
    machine_id = None
    if data.machine_id:
        machine_id = await alias_reads.resolve(caller, AliasKind.MACHINE, data.machine_id)
    pushed = await _push(
        push_workflow,
        caller,
        name=name,
        graph=data.workflow_api,
        ui_graph=data.workflow or data.workflow_json,
        machine_id=machine_id,
        comment=data.comment,
        custom_nodes=custom_nodes_in(data.snapshot),
    )
    return _uploaded(pushed, data.machine_id)


def _uploaded(pushed: PushedVersion, machine_id: str | None) -> Uploaded:
    return {
        "workflow_id": str(pushed.workflow.id),
        "version": pushed.version.version,
        "version_id": str(pushed.version.version_id),
        "machine_id": machine_id or None,
    }


async def _push(
    push_workflow: PushWorkflow,
    caller: Caller,
    *,
    name: str,
    graph: Graph | None,
    ui_graph: Graph | None,
    machine_id: UUID | None,
    comment: str,
    custom_nodes: dict[str, Any],
) -> PushedVersion:
    with _pointing_at_its_own_fields():
        return await push_workflow.push(
            caller,
            name=name,
            # What is text is decoded where graphs are looked for, beside the event loop.
            graph={"workflow_api": graph} if graph else None,
            ui_graph={"workflow": ui_graph} if ui_graph else None,
            machine_id=machine_id,
            comment=comment,
            custom_nodes=custom_nodes,
        )


@contextmanager
def _pointing_at_its_own_fields() -> Iterator[None]:
    """Point at what was sent: the use-case knows the fields of the native API."""
    try:
        yield
    except InvalidGraph as error:
        problems = [
            replace(p, pointer=p.pointer.removeprefix("/graph").removeprefix("/ui_graph"))
            for p in error.problems
        ]
        raise InvalidGraph(problems=problems) from error


@post(
    "/api/workflow",
    operation_id="uploadClassicWorkflow",
    status_code=200,
    opt=needs(DEPLOY),
    responses=_PUSH_ERRORS,
)
async def upload(
    push_workflow: NamedDependency[PushWorkflow],
    workflow_reads: NamedDependency[WorkflowReads],
    alias_reads: NamedDependency[AliasReads],
    caller: NamedDependency[Caller],
    data: JSONBody[UploadRequest],
) -> Uploaded:
    """Save a graph as a version; without the id of a workflow, of the one with that name."""
    return await _upload(push_workflow, workflow_reads, alias_reads, caller, data)


@post(
    "/api/upload",
    operation_id="uploadClassicWorkflowAsBefore",
    status_code=200,
    opt=needs(DEPLOY),
    responses=_PUSH_ERRORS,
)
async def upload_as_before(
    push_workflow: NamedDependency[PushWorkflow],
    workflow_reads: NamedDependency[WorkflowReads],
    alias_reads: NamedDependency[AliasReads],
    caller: NamedDependency[Caller],
    data: JSONBody[UploadRequest],
) -> Uploaded:
    """Save a graph as a version, by the address that old plugins know."""
    return await _upload(push_workflow, workflow_reads, alias_reads, caller, data)


@post(
    "/api/workflow/{workflow_id:str}/version",
    operation_id="createClassicVersion",
    status_code=200,
    opt=needs(DEPLOY),
    responses=_PUSH_ERRORS,
)
async def create_version(
    push_workflow: NamedDependency[PushWorkflow],
    workflow_reads: NamedDependency[WorkflowReads],
    alias_reads: NamedDependency[AliasReads],
    caller: NamedDependency[Caller],
    workflow_id: FromPath[str],
    data: JSONBody[VersionRequest],
) -> Uploaded:
    """Save a graph as the next version of a workflow."""
    workflow = await _find(workflow_reads, alias_reads, caller, workflow_id)
    pushed = await _push(
        push_workflow,
        caller,
        name=workflow.name,
        graph=data.workflow_api,
        ui_graph=data.workflow,
        machine_id=None,
        comment=data.comment or "",
        custom_nodes={},
    )
    return _uploaded(pushed, None)


@get("/api/workflows", operation_id="listClassicWorkflows", opt=needs(DEPLOY, RUNS_READ))
async def workflows(
    workflow_reads: NamedDependency[WorkflowReads],
    caller: NamedDependency[Caller],
    search: Search = "",
    limit: Limit = 100,
    offset: Offset = 0,
) -> list[ClassicWorkflow]:
    """List workflows, those that were changed last first."""
    found = await workflow_reads.search(caller, search, limit=limit, offset=offset)
    return [workflow_row(workflow) for workflow in found]


@get(
    "/api/workflow/{workflow_id:str}",
    operation_id="getClassicWorkflow",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found"),
)
async def read(
    workflow_reads: NamedDependency[WorkflowReads],
    alias_reads: NamedDependency[AliasReads],
    graphs: NamedDependency[Graphs],
    caller: NamedDependency[Caller],
    workflow_id: FromPath[str],
) -> Response[ClassicWorkflowDetail]:
    """Read a workflow with its latest versions, the newest first and alone with its graphs."""
    workflow = await _find(workflow_reads, alias_reads, caller, workflow_id)
    older = workflow.versions[:-1][-MOST_VERSIONS + 1 :]
    newest = await _detail(workflow_reads, graphs, caller, workflow, len(workflow.versions))
    versions = [newest, *(version_detail(workflow, version) for version in reversed(older))]
    return Response(workflow_detail(workflow, versions))


@get(
    "/api/workflow/{workflow_id:str}/versions",
    operation_id="listClassicVersions",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found"),
)
async def versions(
    workflow_reads: NamedDependency[WorkflowReads],
    alias_reads: NamedDependency[AliasReads],
    caller: NamedDependency[Caller],
    workflow_id: FromPath[str],
    search: Search = "",
    limit: Limit = 20,
    offset: Offset = 0,
) -> list[ClassicVersion]:
    """List the versions of a workflow, newest first; with a search, those whose comment has it."""
    workflow = await _find(workflow_reads, alias_reads, caller, workflow_id)
    wanted = search.casefold()
    fitting = [v for v in reversed(workflow.versions) if wanted in v.comment.casefold()]
    return [version_row(workflow, version) for version in fitting[offset : offset + limit]]


@get(
    "/api/workflow/{workflow_id:str}/version/{version:int}",
    operation_id="getClassicVersionByNumber",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found"),
)
async def read_by_number(
    workflow_reads: NamedDependency[WorkflowReads],
    alias_reads: NamedDependency[AliasReads],
    graphs: NamedDependency[Graphs],
    caller: NamedDependency[Caller],
    workflow_id: FromPath[str],
    version: FromPath[int],
) -> Response[ClassicVersionDetail]:
    """Read a version by its number, with its graphs."""
    workflow = await _find(workflow_reads, alias_reads, caller, workflow_id)
    return Response(await _detail(workflow_reads, graphs, caller, workflow, version))


@get(
    "/api/workflow-version/{version_id:str}",
    operation_id="getClassicVersion",
    opt=needs(DEPLOY, RUNS_READ, ticket=VERSION),
    responses=errors("not_found", "read_models_unavailable"),
)
async def read_version(
    workflow_reads: NamedDependency[WorkflowReads],
    alias_reads: NamedDependency[AliasReads],
    graphs: NamedDependency[Graphs],
    caller: NamedDependency[Caller],
    version_id: FromPath[str],
) -> Response[ClassicVersionDetail]:
    """Read a version by its id, with its graphs."""
    try:
        own = await alias_reads.resolve(caller, AliasKind.VERSION, version_id)
        workflow, version = await workflow_reads.with_version(caller, own)
    except NotFound as error:
        raise NotFound("No version found") from error
    return Response(await _detail(workflow_reads, graphs, caller, workflow, version.version))


async def _find(
    workflow_reads: WorkflowReads, alias_reads: AliasReads, caller: Caller, text: str
) -> Workflow:
    try:
        workflow_id = await alias_reads.resolve(caller, AliasKind.WORKFLOW, text)
        return await workflow_reads.find(caller, workflow_id)
    except NotFound as error:
        raise NotFound("Workflow not found") from error


async def _detail(
    workflow_reads: WorkflowReads, graphs: Graphs, caller: Caller, workflow: Workflow, number: int
) -> ClassicVersionDetail:
    _, version = await workflow_reads.version(caller, workflow.id, number)
    return version_detail(workflow, version, **await graphs_of(graphs, version))


async def graphs_of(graphs: Graphs, version: WorkflowVersionCreated) -> dict[str, bytes | None]:
    """Read the graphs of a version, as `version_detail` takes them."""
    ui_graph = await graphs.read_json(version.ui_graph_key) if version.ui_graph_key else None
    return {"graph": await graphs.read_json(version.graph_key), "ui_graph": ui_graph}


ROUTES = [
    upload,
    upload_as_before,
    create_version,
    workflows,
    read,
    versions,
    read_by_number,
    read_version,
]
