"""One deployment: which version of a workflow an environment runs, and on which machine."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.inputs import InputField

ENVIRONMENTS = ("production", "staging")


class DeploymentPromoted(Struct, frozen=True, kw_only=True):
    """A version was promoted. Carries all a run needs, so that one read of the log suffices."""

    deployment_id: UUID
    workflow_id: UUID
    workflow_name: str
    environment: str
    user_id: str | None
    org_id: str | None
    version_id: UUID
    version: int
    graph_key: str
    ui_graph_key: str | None
    inputs: tuple[InputField, ...]
    machine_id: UUID
    by: str
    at: datetime


class Deployment(Struct, frozen=True, kw_only=True):
    """The state of a deployment."""

    id: UUID
    current: DeploymentPromoted
    created_at: datetime


class PromoteVersion(Struct, frozen=True, kw_only=True):
    """Make a version the one that an environment runs."""

    promoted: DeploymentPromoted


def evolve(deployment: Deployment | None, event: DeploymentPromoted) -> Deployment:
    """Fold one fact into the state."""
    created_at = deployment.created_at if deployment else event.at
    return Deployment(id=event.deployment_id, current=event, created_at=created_at)


def decide(deployment: Deployment | None, command: PromoteVersion) -> list[DeploymentPromoted]:
    """Give the facts that follow; the same version on the same machine adds nothing."""
    new = command.promoted
    if deployment and _same(deployment.current, new):
        return []
    return [new]


def _same(current: DeploymentPromoted, new: DeploymentPromoted) -> bool:
    return (current.version_id, current.machine_id) == (new.version_id, new.machine_id)
