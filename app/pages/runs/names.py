"""Names in the place of ids: of the machines, workflows and deployments that a caller may see."""

from uuid import UUID

from app.auth.caller import Caller
from app.reads.deployments import DeploymentReads
from app.reads.machines import MachineReads
from app.reads.workflows import WorkflowReads

MOST = 100


async def machine_names(reads: MachineReads, caller: Caller) -> dict[UUID, str]:
    """Return the names of the caller's machines; none for a caller who is restricted."""
    if caller.deployments:
        return {}
    page = await reads.page(caller, limit=MOST)
    return {row.id: row.state.name for row in page.rows}


async def workflow_names(reads: WorkflowReads, caller: Caller) -> dict[UUID, str]:
    """Return the names of the newest workflows; none for a caller who is restricted."""
    if caller.deployments:
        return {}
    page = await reads.page(caller, limit=MOST, before=None, name=None)
    return {row.id: row.state.name for row in page.rows}


async def deployment_names(reads: DeploymentReads, caller: Caller) -> dict[UUID, str]:
    """Return the names of the newest deployments: workflow and environment."""
    page = await reads.page(caller, limit=MOST, before=None, workflow_id=None, environment=None)
    return {
        row.id: f"{row.state.current.workflow_name} · {row.state.current.environment}"
        for row in page.rows
    }
