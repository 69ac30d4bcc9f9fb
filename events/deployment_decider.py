"""The rules of a deployment: what may be promoted, and what a rollback goes back to."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from events.deployment import Action, Deployment, DeploymentPromoted, Promotion
from events.errors import IncompatibleInputs, NotFound, NothingToRollBack, shortened
from events.graph.compatibility import incompatibilities
from events.ids import deployment_id
from events.workflow import Workflow


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
    """Give the facts that follow from a command; what runs already adds nothing."""
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
    """Give what was promoted and not taken back, each version with its latest machine.

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
