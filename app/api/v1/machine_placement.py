"""Which machines can run a version, and why not: as they were last found, nobody is asked."""

from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from msgspec import Struct, field

from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, before_of, list_view
from app.api.v1.requests import identifier
from app.auth.caller import Caller
from app.auth.scopes import DEPLOY, RUNS_READ, needs
from app.find_machine import PRESENT
from app.find_workflow import find_workflow
from app.house import House
from app.openapi import errors
from app.pushed_graphs import object_info_of, stored
from events.errors import MachineUnobserved, Problem, shortened
from events.machine import Machine, MachineState
from events.nodes import Graph
from events.object_info import check_against
from events.placement import as_it_would_run
from infra.offload import in_thread
from projections.queries import list_machines

STOPPED = {
    MachineState.DRAINING: "machine_draining",
    MachineState.DISABLED: "machine_disabled",
}
"""States in which a machine takes nothing new, and the code that says so."""

_decode_described = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class ReasonView(Struct, frozen=True, kw_only=True):
    """One reason why a machine cannot run a version."""

    code: str
    detail: str
    node_id: str = ""
    class_type: str = ""
    input: str = ""


class PlacementView(Struct, frozen=True, kw_only=True):
    """Whether a machine can run a version."""

    machine_id: UUID
    name: str
    state: str
    can_run: bool
    reasons: list[ReasonView] = field(default_factory=list)
    """Every reason why not; empty if it can."""


@get(
    "/v1/workflows/{workflow_id:str}/versions/{version:int}/machines",
    operation_id="listWorkflowVersionMachines",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found", "invalid_request"),
)
async def placement(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    workflow_id: FromPath[str],
    version: FromPath[int],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[PlacementView]:
    """Tell for each machine whether it can run a version with its defaults, and if not, why."""
    workflow = await find_workflow(house, caller, identifier(workflow_id))
    pushed = await stored(house, workflow.version(version).graph_key)
    graph = await in_thread(as_it_would_run, pushed)
    async with house.pool.connection() as connection:
        page = await list_machines(
            connection,
            tenant=caller.tenant,
            limit=limit,
            before=before_of(cursor),
            states=PRESENT,
        )
    views = {
        row.id: placement_view(row.state, await _problems(house, row.state, graph), language)
        for row in page.rows
    }
    return list_view(page, lambda row: views[row.id])


async def _problems(house: House, machine: Machine, graph: Graph) -> list[Problem]:
    stopped = STOPPED.get(machine.state)
    problems = [Problem(code=stopped)] if stopped else []
    try:
        described = await object_info_of(house, machine)
    except MachineUnobserved:
        return [*problems, Problem(code="machine_never_observed")]
    return [*problems, *await in_thread(_held_against, described, graph)]


def _held_against(object_info: bytes, graph: Graph) -> tuple[Problem, ...]:
    described = _decode_described(object_info)
    classes = {str(node["class_type"]) for node in graph.values()}
    # One machine describes thousands of classes; only those of the graph are worth decoding.
    infos = {n: msgspec.json.decode(described[n]) if n in described else None for n in classes}
    return shortened(check_against(graph, infos))


def placement_view(machine: Machine, problems: list[Problem], language: str) -> PlacementView:
    """Show whether a machine can run a version, with every reason why not."""
    return PlacementView(
        machine_id=machine.id,
        name=machine.name,
        state=str(machine.state),
        can_run=not problems,
        reasons=[
            ReasonView(
                code=problem.code,
                detail=problem.text(language),
                node_id=problem.params.get("node", ""),
                class_type=problem.params.get("class_type", ""),
                input=problem.params.get("input", ""),
            )
            for problem in problems
        ],
    )


ROUTES = [placement]
