"""/v1/deployments: which version an environment runs, where, and what it ran before."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from app.api.v1.deployment_openapi import deployment_document
from app.api.v1.deployment_views import (
    DeploymentView,
    PromotionView,
    deployment_view,
    promotion_view,
)
from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, before_of, cursor_of, list_view
from app.api.v1.requests import PromoteRequest, RollBackRequest, bad, environment, identifier
from app.auth.caller import Caller
from app.auth.scopes import DEPLOY, RUNS_READ, needs
from app.find_deployment import DeploymentSession, current_deployment, deployment_session
from app.find_machine import machine_session, present_machine
from app.find_workflow import find_workflow
from app.house import House
from app.openapi import errors
from app.openapi.document import whole_document
from events import identity
from events.decider import DEPLOYMENT
from events.deployment import Deployment
from events.deployment_decider import PromoteVersion, RollBack
from events.machine import MachineState
from infra.event_store import load
from infra.offload import in_thread
from projections.queries import list_deployments

Json = dict[str, Any]
EnvironmentFilter = Annotated[str | None, QueryParameter(name="environment")]


@put(
    "/v1/workflows/{workflow_id:str}/deployments/{environment_name:str}",
    operation_id="promoteVersion",
    opt=needs(DEPLOY),
    responses=errors("not_found", "incompatible_inputs", "too_many_changes"),
)
async def promote(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    workflow_id: FromPath[str],
    environment_name: FromPath[str],
    data: JSONBody[PromoteRequest],
) -> DeploymentView:
    """Let an environment run a version, on a machine. Runs that have begun keep theirs."""
    target = environment(environment_name)
    workflow = await find_workflow(house, caller, identifier(workflow_id))
    session = await load(house.store, DEPLOYMENT, identity.deployment_id(workflow.id, target))
    kept = session.state.current.machine_id if session.state else None
    machine_id = data.machine_id or kept
    if machine_id is None:
        raise bad("field_missing", "/machine_id", field="machine_id")
    await present_machine(house, caller, machine_id)
    command = PromoteVersion(
        workflow=workflow,
        version=data.version,
        environment=target,
        machine_id=data.machine_id,
        force=data.force,
        comment=data.comment,
        user_id=caller.user_id,
        org_id=caller.org_id,
        by=caller.actor,
        now=house.now(),
    )
    return await _execute(house, caller, session, command, language)


@post(
    "/v1/deployments/{deployment_id:str}/rollback",
    operation_id="rollBackDeployment",
    status_code=200,
    opt=needs(DEPLOY),
    responses=errors("not_found", "nothing_to_roll_back", "too_many_changes"),
)
async def roll_back(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    deployment_id: FromPath[str],
    data: JSONBody[RollBackRequest],
) -> DeploymentView:
    """Go back to the version that ran before, or to one that is named. Never refused for inputs."""
    session = await deployment_session(house, caller, identifier(deployment_id))
    deployment = session.existing
    command = RollBack(
        workflow=await find_workflow(house, caller, deployment.current.workflow_id),
        version=data.version,
        machines=await _active_machines(house, caller, deployment),
        comment=data.comment,
        user_id=caller.user_id,
        org_id=caller.org_id,
        by=caller.actor,
        now=house.now(),
    )
    return await _execute(house, caller, session, command, language)


@get(
    "/v1/deployments",
    operation_id="listDeployments",
    opt=needs(DEPLOY, RUNS_READ, per_deployment=True),
)
async def deployments(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
    workflow_id: FromQuery[UUID | None] = None,
    environment_name: EnvironmentFilter = None,
) -> ListView[DeploymentView]:
    """List deployments, newest first."""
    async with house.pool.connection() as connection:
        page = await list_deployments(
            connection,
            tenant=caller.tenant,
            limit=limit,
            before=before_of(cursor),
            workflow_id=workflow_id,
            environment=environment(environment_name) if environment_name else None,
            only=caller.deployments,
        )
    return list_view(page, lambda row: deployment_view(row.state, language))


@get(
    "/v1/deployments/{deployment_id:str}",
    operation_id="getDeployment",
    opt=needs(DEPLOY, RUNS_READ, per_deployment=True),
    responses=errors("not_found"),
)
async def read_deployment(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    deployment_id: FromPath[str],
) -> DeploymentView:
    """Read a deployment: what it runs, and the inputs it takes."""
    session = await deployment_session(house, caller, identifier(deployment_id))
    return deployment_view(session.existing, language)


@get(
    "/v1/deployments/{deployment_id:str}/history",
    operation_id="getDeploymentHistory",
    opt=needs(DEPLOY, RUNS_READ, per_deployment=True),
    responses=errors("not_found"),
)
async def history(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    deployment_id: FromPath[str],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[PromotionView]:
    """List what a deployment has run, newest first: every promotion and every rollback."""
    deployment = (await deployment_session(house, caller, identifier(deployment_id))).existing
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
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    deployment_id: FromPath[str],
) -> Json:
    """Describe how to run this deployment, as OpenAPI 3.1: its inputs, and an example that runs."""
    promoted = await current_deployment(house, caller, identifier(deployment_id))
    machine = (await machine_session(house, caller, promoted.machine_id)).existing
    api = await in_thread(whole_document, request.app)
    return await in_thread(deployment_document, api, promoted, snapshot=machine.snapshot)


async def _execute(
    house: House,
    caller: Caller,
    session: DeploymentSession,
    command: PromoteVersion | RollBack,
    language: str,
) -> DeploymentView:
    await session.execute(command, house.meta(caller))
    return deployment_view(session.existing, language)


async def _active_machines(house: House, caller: Caller, deployment: Deployment) -> frozenset[UUID]:
    ids = {line.machine_id for line in deployment.history}
    found = await asyncio.gather(*(machine_session(house, caller, one) for one in ids))
    machines = (session.existing for session in found)
    return frozenset(m.id for m in machines if m.state is MachineState.ACTIVE)


ROUTES = [promote, roll_back, deployments, read_deployment, history, describe]
