"""Deployments: which version of a workflow an environment runs, and on which machine.

A promotion is refused for what callers of the version before would notice, unless it is forced.
A rollback goes back to what the deployment ran before.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from events.errors import IncompatibleInputs, NotFound, NothingToRollBack, Problem, shortened
from events.graph.compatibility import incompatibilities
from events.graph.inputs import InputField
from events.ids import deployment_id
from events.workflow import Workflow

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


class PromoteVersion(Struct, frozen=True, kw_only=True):
    """Make a version the one that an environment runs."""

    workflow: Workflow
    version: int
    environment: str
    machine_id: UUID | None
    """None keeps the machine; a first promotion has none to keep."""

    force: bool = False
    """Promote also what callers would notice."""

    comment: str = ""
    user_id: str | None
    org_id: str | None
    by: str
    now: datetime


class RollBack(Struct, frozen=True, kw_only=True):
    """Go back to what a deployment ran before, on the machine that it ran on then."""

    workflow: Workflow
    version: int | None
    """One that ran here; None: the one before."""

    machines: frozenset[UUID]
    """Those that take runs. If the machine of then is none of them, the one of now stays."""

    comment: str = ""
    user_id: str | None
    org_id: str | None
    by: str
    now: datetime


DeploymentCommand = PromoteVersion | RollBack


def decide(deployment: Deployment | None, command: DeploymentCommand) -> list[DeploymentPromoted]:
    """Decide the events that follow from a command; what runs already adds nothing."""
    match command:
        case PromoteVersion():
            return _promote(deployment, command)
        case RollBack():
            return _roll_back(deployment, command)


def _promote(deployment: Deployment | None, command: PromoteVersion) -> list[DeploymentPromoted]:
    kept = deployment.current.machine_id if deployment else None
    machine_id = command.machine_id or kept
    if machine_id is None:
        raise ValueError("a first promotion names its machine")
    promoted = _promoted(
        deployment,
        command,
        environment=command.environment,
        version=command.version,
        machine_id=machine_id,
    )
    if deployment and _same(deployment.current, promoted):
        return []
    if promoted.warnings and not command.force:
        raise IncompatibleInputs(problems=promoted.warnings)
    return [replace(promoted, forced=bool(promoted.warnings))]


def _roll_back(deployment: Deployment | None, command: RollBack) -> list[DeploymentPromoted]:
    if deployment is None:
        raise NotFound("there is no deployment with this id")
    current = deployment.current
    if command.version == current.version:
        # So a rollback that names its version can be sent again.
        return []
    goal = _goal(deployment.history, command.version)
    if goal is None:
        raise NothingToRollBack
    promoted = _promoted(
        deployment,
        command,
        environment=current.environment,
        version=goal.version,
        machine_id=goal.machine_id if goal.machine_id in command.machines else current.machine_id,
    )
    return [replace(promoted, action=Action.ROLLBACK)]


def _goal(history: Iterable[Promotion], version: int | None) -> Promotion | None:
    if version is None:
        standing = _standing(history)
        return standing[-2] if len(standing) > 1 else None
    return next((line for line in reversed(tuple(history)) if line.version == version), None)


def _standing(history: Iterable[Promotion]) -> list[Promotion]:
    """Return what was promoted and not taken back, each version with its latest machine.

    A rollback takes back what came after its goal. So a second one goes further back, and never to
    what the first one got rid of.
    """
    standing: list[Promotion] = []
    for line in history:
        if line.action is Action.ROLLBACK and any(e.version == line.version for e in standing):
            while standing[-1].version != line.version:
                standing.pop()
        if standing and standing[-1].version == line.version:
            standing.pop()
        standing.append(line)
    return standing


def _promoted(
    before: Deployment | None,
    command: DeploymentCommand,
    *,
    environment: str,
    version: int,
    machine_id: UUID,
) -> DeploymentPromoted:
    workflow, goal = command.workflow, command.workflow.version(version)
    noticed = incompatibilities(before.current.inputs, goal.inputs) if before else ()
    return DeploymentPromoted(
        deployment_id=deployment_id(workflow.id, environment),
        workflow_id=workflow.id,
        workflow_name=workflow.name,
        environment=environment,
        user_id=command.user_id,
        org_id=command.org_id,
        version_id=goal.version_id,
        version=goal.version,
        graph_key=goal.graph_key,
        ui_graph_key=goal.ui_graph_key,
        inputs=goal.inputs,
        machine_id=machine_id,
        by=command.by,
        at=command.now,
        comment=command.comment,
        warnings=shortened(noticed),
    )


def _same(current: DeploymentPromoted, new: DeploymentPromoted) -> bool:
    return (current.version_id, current.machine_id) == (new.version_id, new.machine_id)
