"""/v1/statistics: a tenant's runs in figures."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec import Meta, Struct, convert

from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ, needs
from app.reads.statistics import StatisticsReads

DAY = 24
WEEK = 168


class WaitingRunsView(Struct, frozen=True, kw_only=True):
    """Open runs that wait for the same thing."""

    reason: Annotated[
        str,
        Meta(
            description="machine_queue, comfyui_queue, machine_unreachable, storage_unavailable, "
            "machine_draining, machine_disabled or retry_due."
        ),
    ]

    machine_id: UUID
    count: int
    oldest_at: Annotated[datetime, Meta(description="When the oldest of them was accepted.")]


class MachineLoadView(Struct, frozen=True, kw_only=True):
    """Open runs that are bound for a machine."""

    machine_id: UUID
    active: Annotated[int, Meta(description="Runs that it renders, or whose outputs are stored.")]
    waiting: int


class SpreadView(Struct, frozen=True, kw_only=True):
    """How long successful runs took, in seconds."""

    p50: Annotated[float, Meta(description="Half of them took no longer.")]
    p95: Annotated[float, Meta(description="95 of 100 took no longer.")]


class HourView(Struct, frozen=True, kw_only=True):
    """The runs that ended in one hour."""

    at: Annotated[datetime, Meta(description="When the hour begins.")]
    success: int
    failed: int
    cancelled: int
    timeout: int
    wait: Annotated[
        SpreadView | None,
        Meta(description="Until a machine first began to render; None without such a run."),
    ]

    render: Annotated[
        SpreadView | None,
        Meta(description="Of the last attempt, on the machine; None without such a run."),
    ]


class StatisticsView(Struct, frozen=True, kw_only=True):
    """Runs in figures, at most a second old."""

    open: Annotated[
        dict[str, int], Meta(description="Runs that have not ended, by status; each is named.")
    ]

    waiting: Annotated[
        list[WaitingRunsView], Meta(description="What waits and why, the longest wait first.")
    ]

    machines: Annotated[list[MachineLoadView], Meta(description="Machines with open runs.")]
    hours: Annotated[
        list[HourView], Meta(description="Hour by hour in UTC, this one last, without gaps.")
    ]


@get("/v1/statistics", operation_id="getStatistics", opt=needs(RUNS_READ, per_deployment=True))
async def statistics(
    statistics_reads: NamedDependency[StatisticsReads],
    caller: NamedDependency[Caller],
    hours: Annotated[int, QueryParameter(ge=1, le=WEEK)] = DAY,
) -> StatisticsView:
    """Count what runs, what waits and why, and what became of the runs of the last hours."""
    found = await statistics_reads.find(caller, hours=hours)
    return convert(found, StatisticsView, from_attributes=True)


ROUTES = [statistics]
