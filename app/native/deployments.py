"""/v1/deployments, and promotion: which version an environment runs, and on which machine."""

from datetime import datetime
from uuid import UUID

from litestar import get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct

from app.auth import Caller
from app.house import House
from app.native.paging import DEFAULT_LIMIT, Limit, ListView, before_of, list_view
from app.native.requests import PromoteRequest, environment, identifier
from app.native.workflows import find_workflow
from events import identity
from events.decider import DEPLOYMENT, MACHINE
from events.deployment import Deployment, DeploymentPromoted, PromoteVersion
from events.errors import NotFound
from events.inputs import InputField
from infra.event_store import load
from projections.queries import list_deployments


class DeploymentView(Struct, frozen=True, kw_only=True):
    """A deployment."""

    id: UUID
    workflow_id: UUID
    workflow_name: str
    environment: str
    version_id: UUID
    version: int
    machine_id: UUID
    inputs: tuple[InputField, ...]
    promoted_at: datetime
    created_at: datetime


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
    workflow = await find_workflow(house, caller, identifier(workflow_id))
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
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView:
    """List deployments, newest first."""
    async with house.pool.connection() as connection:
        page = await list_deployments(
            connection, tenant=caller.tenant, limit=limit, before=before_of(cursor)
        )
    return list_view(page, lambda row: deployment_view(row.state))


@get("/v1/deployments/{deployment_id:str}")
async def read_deployment(
    house: NamedDependency[House], caller: NamedDependency[Caller], deployment_id: FromPath[str]
) -> DeploymentView:
    """Read a deployment: what it runs, and the inputs it takes."""
    session = await load(house.store, DEPLOYMENT, identifier(deployment_id))
    if session.state is None or session.tenant != caller.tenant:
        raise NotFound("there is no deployment with this id")
    return deployment_view(session.state)


def deployment_view(deployment: Deployment) -> DeploymentView:
    """Show a deployment."""
    current = deployment.current
    return DeploymentView(
        id=deployment.id,
        workflow_id=current.workflow_id,
        workflow_name=current.workflow_name,
        environment=current.environment,
        version_id=current.version_id,
        version=current.version,
        machine_id=current.machine_id,
        inputs=current.inputs,
        promoted_at=current.at,
        created_at=deployment.created_at,
    )


ROUTES = [promote, deployments, read_deployment]
