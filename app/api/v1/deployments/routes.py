"""/v1/deployments: which version an environment runs, where, and what it ran before."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from app.api.requests import Comment, identifier
from app.api.v1.deployments.openapi import deployment_document
from app.api.v1.deployments.views import (
    DeploymentView,
    PromotionView,
    deployment_view,
    promotion_view,
)
from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, before_of, cursor_of, list_view
from app.auth.caller import Caller
from app.auth.scopes import DEPLOY, RUNS_READ, needs
from app.commands.workflows.promote import Promotions
from app.http.bad_request import bad
from app.openapi import errors
from app.openapi.document import whole_document
from app.reads.deployments import DeploymentReads
from app.reads.machine_classes import MachineClasses
from app.reads.machines import MachineReads
from events.deployment import ENVIRONMENTS
from infra.offload import in_thread

Json = dict[str, Any]
EnvironmentFilter = Annotated[str | None, QueryParameter(name="environment")]


class PromoteRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The version to promote to an environment."""

    version: Annotated[int, Meta(ge=1)]
    machine_id: Annotated[
        UUID | None,
        Meta(description="Where; without one it stays where it is. A first promotion needs one."),
    ] = None

    force: Annotated[
        bool,
        Meta(
            description="Promote also what callers of the version before would notice, "
            "or what the machine cannot run before the comfyui-deploy plugin is installed."
        ),
    ] = False

    comment: Comment = ""


class RollBackRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The version to go back to."""

    version: (
        Annotated[
            int, Meta(ge=1, description="One that ran there; without one, the version before.")
        ]
        | None
    ) = None

    comment: Comment = ""


@put(
    "/v1/workflows/{workflow_id:str}/deployments/{environment_name:str}",
    operation_id="promoteVersion",
    opt=needs(DEPLOY),
    responses=errors(
        "not_found", "incompatible_inputs", "machine_lacks_plugin", "too_many_changes"
    ),
)
async def promote(
    promotions: NamedDependency[Promotions],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    workflow_id: FromPath[str],
    environment_name: FromPath[str],
    data: JSONBody[PromoteRequest],
) -> DeploymentView:
    """Promote a version to an environment, on a machine. Runs that have begun keep theirs."""
    target = environment(environment_name)
    deployment = await promotions.promote(
        caller,
        identifier(workflow_id),
        target,
        version=data.version,
        machine_id=data.machine_id,
        force=data.force,
        comment=data.comment,
    )
    return deployment_view(deployment, language)


@post(
    "/v1/deployments/{deployment_id:str}/rollback",
    operation_id="rollBackDeployment",
    status_code=200,
    opt=needs(DEPLOY),
    responses=errors("not_found", "nothing_to_roll_back", "too_many_changes"),
)
async def roll_back(
    promotions: NamedDependency[Promotions],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    deployment_id: FromPath[str],
    data: JSONBody[RollBackRequest],
) -> DeploymentView:
    """Go back to the version that ran before, or to one that is named. Never refused for inputs."""
    deployment = await promotions.roll_back(
        caller, identifier(deployment_id), version=data.version, comment=data.comment
    )
    return deployment_view(deployment, language)


@get(
    "/v1/deployments",
    operation_id="listDeployments",
    opt=needs(DEPLOY, RUNS_READ, per_deployment=True),
)
async def deployments(
    deployment_reads: NamedDependency[DeploymentReads],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
    workflow_id: FromQuery[UUID | None] = None,
    environment_name: EnvironmentFilter = None,
) -> ListView[DeploymentView]:
    """List deployments, newest first."""
    page = await deployment_reads.page(
        caller,
        limit=limit,
        before=before_of(cursor),
        workflow_id=workflow_id,
        environment=environment(environment_name) if environment_name else None,
    )
    return list_view(page, lambda row: deployment_view(row.state, language))


@get(
    "/v1/deployments/{deployment_id:str}",
    operation_id="getDeployment",
    opt=needs(DEPLOY, RUNS_READ, per_deployment=True),
    responses=errors("not_found"),
)
async def read_deployment(
    deployment_reads: NamedDependency[DeploymentReads],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    deployment_id: FromPath[str],
) -> DeploymentView:
    """Read a deployment: what it runs, and the inputs it takes."""
    found = await deployment_reads.find(caller, identifier(deployment_id))
    return deployment_view(found, language)


@get(
    "/v1/deployments/{deployment_id:str}/history",
    operation_id="getDeploymentHistory",
    opt=needs(DEPLOY, RUNS_READ, per_deployment=True),
    responses=errors("not_found"),
)
async def history(
    deployment_reads: NamedDependency[DeploymentReads],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    deployment_id: FromPath[str],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[PromotionView]:
    """List what a deployment has run, newest first: every promotion and every rollback."""
    deployment = await deployment_reads.find(caller, identifier(deployment_id))
    before = before_of(cursor)
    # The log answers, so nothing is missing; a cursor counts the lines that are older.
    older = deployment.history[:before]
    shown = older[-limit:]
    left = len(older) - len(shown)
    return ListView(
        data=[promotion_view(line, language) for line in reversed(shown)],
        has_more=left > 0,
        next_cursor=cursor_of(left or None),
    )


@get(
    "/v1/deployments/{deployment_id:str}/openapi.json",
    operation_id="getDeploymentOpenApi",
    opt=needs(DEPLOY, RUNS_READ, per_deployment=True),
    responses=errors("not_found"),
)
async def describe(
    request: Request[Any, Any, Any],
    deployment_reads: NamedDependency[DeploymentReads],
    machine_reads: NamedDependency[MachineReads],
    machine_classes: NamedDependency[MachineClasses],
    caller: NamedDependency[Caller],
    deployment_id: FromPath[str],
) -> Json:
    """Describe how to run this deployment, as OpenAPI 3.1: its inputs, and an example that runs."""
    promoted = await deployment_reads.current(caller, identifier(deployment_id))
    machine = await machine_reads.find(caller, promoted.machine_id)
    api = await in_thread(whole_document, request.app)
    classes = await machine_classes.of(machine) or ()
    return await in_thread(
        deployment_document, api, promoted, snapshot=machine.snapshot, classes=classes
    )


def environment(text: str) -> str:
    """Read the name of an environment.

    Raises:
        BadRequest: there is no such environment.

    """
    if text not in ENVIRONMENTS:
        raise bad("bad_environment", "/environment", known=", ".join(ENVIRONMENTS))
    return text


ROUTES = [promote, roll_back, deployments, read_deployment, history, describe]
