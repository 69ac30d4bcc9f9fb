"""Addresses that plugins of comfyui-deploy link to: they lead to what there is of it here."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from app.auth.caller import Caller
from app.auth.scopes import DEPLOY, RUNS_READ, needs
from app.reads.aliases import AliasReads
from app.reads.machines import MachineReads
from app.reads.workflows import WorkflowReads
from events.alias import AliasKind

_LIST: dict[str, Any] = {"opt": needs(DEPLOY, RUNS_READ, per_deployment=True)}
_ONE: dict[str, Any] = {"opt": needs(DEPLOY, RUNS_READ)}


@get(["/workflows", "/machines"], sync_to_thread=False, **_LIST)
def lists() -> Redirect:
    """Lead to the runs, which can be chosen by workflow and machine."""
    return Redirect("runs")


@get("/workflows/{workflow_id:str}", **_ONE)
async def workflow(
    page_caller: NamedDependency[Caller],
    alias_reads: NamedDependency[AliasReads],
    workflow_reads: NamedDependency[WorkflowReads],
    workflow_id: FromPath[str],
) -> Redirect:
    """Lead to the runs of a workflow, also by the id that it had elsewhere."""
    own = await alias_reads.resolve(page_caller, AliasKind.WORKFLOW, workflow_id)
    found = await workflow_reads.find(page_caller, own)
    return Redirect("../runs", query_params={"workflow": str(found.id)})


@get("/machines/{machine_id:str}", **_ONE)
async def machine(
    page_caller: NamedDependency[Caller],
    alias_reads: NamedDependency[AliasReads],
    machine_reads: NamedDependency[MachineReads],
    machine_id: FromPath[str],
) -> Redirect:
    """Lead to the runs of a machine, also by the id that it had elsewhere."""
    own = await alias_reads.resolve(page_caller, AliasKind.MACHINE, machine_id)
    found = await machine_reads.find(page_caller, own)
    return Redirect("../runs", query_params={"machine": str(found.id)})


ROUTES = [lists, workflow, machine]
