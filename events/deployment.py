"""One deployment: which version of a workflow an environment runs, and on which machine."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from events.errors import Problem
from events.graph.inputs import InputField

ENVIRONMENTS = ("production", "staging", "public-share")


class Action(StrEnum):
    """Why a version came to run."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"


class DeploymentPromoted(Struct, frozen=True, kw_only=True, omit_defaults=True):
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
    action: Action = Action.PROMOTE
    forced: bool = False
    """Whether it would have been refused for its warnings."""

    comment: str = ""
    warnings: tuple[Problem, ...] = ()
    """What callers of the version before would notice."""


class Promotion(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of a deployment's history."""

    action: Action
    version: int
    version_id: UUID
    machine_id: UUID
    by: str
    at: datetime
    forced: bool = False
    comment: str = ""
    warnings: tuple[Problem, ...] = ()


class Deployment(Struct, frozen=True, kw_only=True):
    """The state of a deployment."""

    id: UUID
    current: DeploymentPromoted
    created_at: datetime
    history: tuple[Promotion, ...] = ()
    """Every promotion and rollback, the first one first."""


def evolve(deployment: Deployment | None, event: DeploymentPromoted) -> Deployment:
    """Fold one fact into the state."""
    line = Promotion(
        action=event.action,
        version=event.version,
        version_id=event.version_id,
        machine_id=event.machine_id,
        by=event.by,
        at=event.at,
        forced=event.forced,
        comment=event.comment,
        warnings=event.warnings,
    )
    return Deployment(
        id=event.deployment_id,
        current=event,
        created_at=deployment.created_at if deployment else event.at,
        history=(*(deployment.history if deployment else ()), line),
    )
