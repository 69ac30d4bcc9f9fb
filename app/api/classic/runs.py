"""/api: run a deployment and poll its status, as clients of comfyui-deploy do."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody
from msgspec import Meta, Struct

from app.api.classic.error_bodies import ClassicError
from app.api.classic.native_run import NativeRun, native_run
from app.api.classic.shapes import ClassicRun, ClassicStatus, run_row, status_view
from app.api.requests import Inputs, idempotency_key, identifier
from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ, RUNS_WRITE, needs
from app.commands.runs.create_run import RunCreator
from app.commands.runs.run_changes import RunChanges
from app.http.bad_request import bad
from app.openapi import errors, response
from app.reads.aliases import AliasReads
from app.reads.deployments import DeploymentReads
from app.reads.runs.runs import RunReads
from events import ids
from events.alias import AliasKind
from events.deployment import ENVIRONMENTS
from events.errors import NotFound
from infra.translation import translate

LONGEST_ID = 100
"""Characters of an id, however it is written."""

LONGEST_URL = 2000

ForeignId = Annotated[str, Meta(max_length=LONGEST_ID)]

LONGEST_DELAY = 86_400
"""Seconds that erased inputs may be kept, though nothing shows them."""


class RunRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run to create: of a deployment; or natively, of the graph in an editor."""

    deployment_id: (
        Annotated[str, Meta(max_length=LONGEST_ID, description="Needed, but for a native run.")]
        | None
    ) = None
    inputs: Inputs = {}
    batch_number: Annotated[
        float,
        Meta(
            ge=1,
            le=1,
            description="The Python client sends it always. More than one run is a batch of the "
            "native API.",
        ),
    ] = 1

    webhook: (
        Annotated[str, Meta(max_length=LONGEST_URL, description="Refused: it would not be called.")]
        | None
    ) = None

    is_native_run: Annotated[
        bool,
        Meta(
            description="The plugin of comfyui-deploy asks what to queue itself, for the page that "
            "it is in. No run is made; the fields below belong to it."
        ),
    ] = False

    workflow_api_json: Annotated[
        dict[str, Any] | None, Meta(description="The graph to queue, in API format.")
    ] = None

    workflow: Annotated[dict[str, Any] | None, Meta(description="In the editor's format.")] = None
    client_id: ForeignId | None = None
    machine_id: ForeignId | None = None
    workflow_id: ForeignId | None = None
    gpu: ForeignId | None = None
    gpu_event_id: ForeignId | None = None
    native_run_api_endpoint: Annotated[str, Meta(max_length=LONGEST_URL)] | None = None


class WorkflowRunRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run to create of a workflow: of its deployment to production, or of another one."""

    workflow_id: Annotated[str, Meta(max_length=LONGEST_ID)]
    inputs: Inputs = {}


class CleanUpRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run whose inputs are to be erased."""

    run_id: Annotated[str, Meta(max_length=LONGEST_ID)]
    delay_seconds: Annotated[
        float, Meta(ge=0, le=LONGEST_DELAY, description="After which they are deleted.")
    ] = 60


class CleanUpAnswer(Struct, frozen=True, kw_only=True):
    """That it is on disk: it will be done."""

    success: bool
    message: str


NATIVE_FIELDS = RunRequest.__struct_fields__[
    RunRequest.__struct_fields__.index("is_native_run") + 1 :
]
"""What only a native run may have."""


class RunAnswer(Struct, frozen=True, kw_only=True):
    """The run that was created."""

    run_id: UUID


@post(
    "/api/run",
    operation_id="createClassicRun",
    status_code=200,
    opt=needs(RUNS_WRITE, per_deployment=True),
    responses=errors("idempotency_conflict", "quota_exceeded"),
)
async def create(
    run_creator: NamedDependency[RunCreator],
    alias_reads: NamedDependency[AliasReads],
    caller: NamedDependency[Caller],
    data: JSONBody[RunRequest],
    key: Annotated[str | None, HeaderParameter(name="Idempotency-Key")] = None,
) -> RunAnswer | NativeRun:
    """Accept a run of a deployment; or return what a page of ComfyUI is to queue itself."""
    if data.webhook is not None:
        raise bad("webhook_unsupported", "/webhook")
    if data.is_native_run:
        return native_run(
            caller,
            prompt_id=str(uuid4()),
            graph=data.workflow_api_json,
            ui_graph=data.workflow,
            gpu_event_id=data.gpu_event_id,
        )
    if unread := next((n for n in NATIVE_FIELDS if getattr(data, n) is not None), None):
        raise bad("field_unknown", f"/{unread}", field=unread)
    if data.deployment_id is None:
        raise bad("field_missing", "/deployment_id", field="deployment_id")
    try:
        deployment_id = await alias_reads.resolve(caller, AliasKind.DEPLOYMENT, data.deployment_id)
    except NotFound as error:
        raise NotFound("Deployment not found") from error
    return await _create(run_creator, caller, deployment_id, data.inputs, key)


@post(
    "/api/create-run",
    operation_id="createClassicRunOfWorkflow",
    status_code=200,
    opt=needs(RUNS_WRITE, per_deployment=True),
    responses=errors("idempotency_conflict", "quota_exceeded"),
)
async def create_of_workflow(
    run_creator: NamedDependency[RunCreator],
    deployment_reads: NamedDependency[DeploymentReads],
    alias_reads: NamedDependency[AliasReads],
    caller: NamedDependency[Caller],
    data: JSONBody[WorkflowRunRequest],
    key: Annotated[str | None, HeaderParameter(name="Idempotency-Key")] = None,
) -> RunAnswer:
    """Accept a run of what a workflow has in production; without that, of its next environment."""
    workflow_id = await alias_reads.resolve(caller, AliasKind.WORKFLOW, data.workflow_id)
    for environment in ENVIRONMENTS:
        deployment_id = ids.deployment_id(workflow_id, environment)
        if await deployment_reads.knows(caller, deployment_id):
            return await _create(run_creator, caller, deployment_id, data.inputs, key)
    raise NotFound("Deployment not found")


async def _create(
    run_creator: RunCreator,
    caller: Caller,
    deployment_id: UUID,
    inputs: Mapping[str, object],
    key: str | None,
) -> RunAnswer:
    try:
        accepted = await run_creator.create(
            caller,
            deployment_id=deployment_id,
            inputs=inputs,
            origin="api",
            idempotency_key=idempotency_key(key),
        )
    except NotFound as error:
        raise NotFound("Deployment not found") from error
    return RunAnswer(run_id=accepted.run.id)


@get(
    "/api/run",
    operation_id="getClassicRun",
    opt=needs(RUNS_READ, per_deployment=True),
    responses=response(200, ClassicRun, "The run.")
    | response(400, ClassicError, "There is no such run, or the id is missing."),
)
async def read(
    run_reads: NamedDependency[RunReads],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    run_id: FromQuery[str],
) -> Response[Any]:
    """Read a run as the dialect's row."""
    try:
        found = await run_reads.find(caller, identifier(run_id))
    except NotFound:
        refused = ClassicError(code=400, message=translate("Workflow not found", language))
        return Response(refused, status_code=400)
    return Response(run_row(found.run, found.progress, run_reads.spaces))


@get(
    "/api/status/{run_id:str}",
    operation_id="getClassicStatus",
    opt=needs(RUNS_READ, per_deployment=True),
)
async def status(
    run_reads: NamedDependency[RunReads], caller: NamedDependency[Caller], run_id: FromPath[str]
) -> ClassicStatus:
    """Read the status of a run."""
    try:
        found = await run_reads.find(caller, identifier(run_id))
    except NotFound as error:
        raise NotFound("Run not found") from error
    return status_view(found.run, found.progress, run_reads.spaces)


@post(
    "/api/cleanup-run-data",
    operation_id="cleanUpClassicRun",
    status_code=200,
    opt=needs(RUNS_WRITE, per_deployment=True),
    responses=errors("not_found", "run_not_ended"),
)
async def clean_up(
    run_changes: NamedDependency[RunChanges],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    data: JSONBody[CleanUpRequest],
) -> CleanUpAnswer:
    """Erase what went into a run that has ended; what it made stays, and so does every other run.

    Nothing shows the inputs from now on. They are deleted after the delay, whatever dies meanwhile.
    """
    after = timedelta(seconds=data.delay_seconds)
    try:
        await run_changes.erase_inputs(caller, identifier(data.run_id), after=after)
    except NotFound as error:
        raise NotFound("Run not found") from error
    return CleanUpAnswer(success=True, message=translate("The inputs are erased.", language))


OTHERS = [status, clean_up]
