"""Finds a workflow for its tenant: the one place that knows which of them a caller may know of."""

from uuid import UUID

from app.auth.caller import Caller
from app.house import House
from events.decider import WORKFLOW
from events.errors import NotFound
from events.workflow import Workflow, WorkflowVersionCreated
from infra.event_store import load


async def find_workflow(house: House, caller: Caller, workflow_id: UUID) -> Workflow:
    """Give a workflow of the caller's; its versions lack their custom nodes.

    Raises:
        NotFound: the caller has no such workflow.
        LogUnavailable: the log does not answer.

    """
    session = await load(house.store, WORKFLOW, workflow_id)
    if session.state is None or session.tenant != caller.tenant:
        raise NotFound("there is no workflow with this id")
    return session.state


async def find_version(
    house: House, caller: Caller, workflow_id: UUID, number: int
) -> tuple[Workflow, WorkflowVersionCreated]:
    """Give a version of a workflow of the caller's as it was recorded, with all that it holds.

    Raises:
        NotFound: the caller has no such workflow, or it has no such version.
        LogUnavailable: the log does not answer.

    """
    recorded = await house.store.read(WORKFLOW.name(workflow_id))
    workflow = WORKFLOW.fold(entry.event for entry in recorded)
    if workflow is None or recorded[0].meta.tenant != caller.tenant:
        raise NotFound("there is no workflow with this id")
    wanted = workflow.version(number).version_id
    versions = (e.event for e in recorded if isinstance(e.event, WorkflowVersionCreated))
    return workflow, next(version for version in versions if version.version_id == wanted)
