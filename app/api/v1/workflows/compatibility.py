"""Which machines can run a version, and why not, as they were last observed."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from msgspec import Meta, Struct, field

from app.api.requests import identifier
from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, before_of, list_view
from app.auth.caller import Caller
from app.auth.scopes import DEPLOY, RUNS_READ, needs
from app.openapi import errors
from app.reads.compatibility import Compatibility
from events.errors import Problem
from events.machine.state import Machine
from infra.translation import problem_text


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
    reasons: Annotated[
        list[ReasonView],
        Meta(description="Every reason why not; empty if it can."),
    ] = field(default_factory=list)


@get(
    "/v1/workflows/{workflow_id:str}/versions/{version:int}/machines",
    operation_id="listWorkflowVersionMachines",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found", "invalid_request"),
)
async def placement(
    compatibility: NamedDependency[Compatibility],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    workflow_id: FromPath[str],
    version: FromPath[int],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[PlacementView]:
    """List for each machine whether it can run a version with its defaults, and if not, why."""
    page, problems = await compatibility.page(
        caller, identifier(workflow_id), version, limit=limit, before=before_of(cursor)
    )
    return list_view(page, lambda row: placement_view(row.state, problems[row.id], language))


def placement_view(machine: Machine, problems: Sequence[Problem], language: str) -> PlacementView:
    """Show whether a machine can run a version, with every reason why not."""
    return PlacementView(
        machine_id=machine.id,
        name=machine.name,
        state=str(machine.state),
        can_run=not problems,
        reasons=[
            ReasonView(
                code=problem.code,
                detail=problem_text(problem, language),
                node_id=problem.params.get("node", ""),
                class_type=problem.params.get("class_type", ""),
                input=problem.params.get("input", ""),
            )
            for problem in problems
        ],
    )


ROUTES = [placement]
