"""Finds a deployment for those who may know of it."""

from uuid import UUID

from app.auth.caller import Caller
from app.house import House
from events.decider import DEPLOYMENT
from events.deployment import Deployment, DeploymentPromoted
from events.deployment_decider import DeploymentCommand
from events.errors import NotFound
from infra.event_store import Session, load

DeploymentSession = Session[Deployment, DeploymentCommand, DeploymentPromoted]


async def deployment_session(
    house: House, caller: Caller, deployment_id: UUID
) -> DeploymentSession:
    """Load a deployment of the caller's from the log; its state is there.

    Raises:
        NotFound: the caller may know of no such deployment.
        LogUnavailable: the log does not answer.

    """
    session = await load(house.store, DEPLOYMENT, deployment_id)
    hidden = session.tenant != caller.tenant or not caller.may_know(deployment_id)
    if session.state is None or hidden:
        raise no_such_deployment()
    return session


async def current_deployment(
    house: House, caller: Caller, deployment_id: UUID
) -> DeploymentPromoted:
    """Give what a deployment runs now; a single read of the log, so never an old version.

    Raises:
        NotFound: the caller has no such deployment.

    """
    last = await house.store.last(DEPLOYMENT.name(deployment_id))
    if last is None or last.meta.tenant != caller.tenant or not caller.may_know(deployment_id):
        raise no_such_deployment()
    promoted: DeploymentPromoted = last.event
    return promoted


def no_such_deployment() -> NotFound:
    """Say that the caller has no such deployment."""
    return NotFound("there is no deployment with this id")
