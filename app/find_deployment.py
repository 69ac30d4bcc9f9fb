"""Finds a deployment for those who may know of it."""

from uuid import UUID

from app.auth import Caller
from app.house import House
from events.decider import DEPLOYMENT
from events.deployment import Deployment, DeploymentPromoted
from events.deployment_decider import DeploymentCommand
from events.errors import NotFound
from infra.event_store import Session, load

DeploymentSession = Session[Deployment, DeploymentCommand, DeploymentPromoted]


async def deployment_session(
    house: House, caller: Caller, deployment_id: UUID
) -> tuple[DeploymentSession, Deployment]:
    """Load a deployment of the caller's from the log, with its state as it is now.

    Raises:
        NotFound: the caller may know of no such deployment.
        LogUnavailable: the log does not answer.

    """
    session = await load(house.store, DEPLOYMENT, deployment_id)
    hidden = session.tenant != caller.tenant or not caller.may_know(deployment_id)
    if session.state is None or hidden:
        raise NotFound("there is no deployment with this id")
    return session, session.state
