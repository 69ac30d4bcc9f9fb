"""The list of runs: its page, and the part of it that changes."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from msgspec import Struct
from msgspec.structs import replace

from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ, needs
from app.pages.caller import may_change_runs
from app.pages.runs import one, selected
from app.pages.runs.filters import WITHIN, Filters, filters_of
from app.pages.runs.names import deployment_names, machine_names, workflow_names
from app.pages.runs.rows import RunLine, run_line
from app.pages.shell.shell import Shell
from app.reads.deployments import DeploymentReads
from app.reads.machines import MachineReads
from app.reads.runs.runs import RunReads
from app.reads.workflows import WorkflowReads
from events.run.status import Status

LINES = 25


class RunsView(Struct, frozen=True, kw_only=True):
    """A part of the list."""

    lines: list[RunLine]
    filters: Filters
    window: Filters
    """The filters with which just these lines are fetched again, whatever is newer."""

    older: Filters | None
    has_newer: bool
    may_change: bool
    """Whether the caller may cancel, repeat and erase runs."""


@get("/runs", opt=needs(RUNS_READ, per_deployment=True))
async def runs(
    request: Request[Any, Any, Any],
    *,
    shell: NamedDependency[Shell],
    page_caller: NamedDependency[Caller],
    run_reads: NamedDependency[RunReads],
    machine_reads: NamedDependency[MachineReads],
    workflow_reads: NamedDependency[WorkflowReads],
    deployment_reads: NamedDependency[DeploymentReads],
) -> Response[Any]:
    """List runs, newest first."""
    filters = filters_of(request)
    machines = await machine_names(machine_reads, page_caller)
    options = {
        "workflow": await workflow_names(workflow_reads, page_caller),
        "deployment": await deployment_names(deployment_reads, page_caller),
        "machine": machines,
    }
    view = await _view(filters, shell, page_caller, run_reads, machines)
    return shell.page(
        "runs.html",
        current="runs",
        caller=page_caller,
        view=view,
        statuses=list(Status),
        periods=list(WITHIN),
        options=options,
    )


@get("/runs/list", opt=needs(RUNS_READ, per_deployment=True))
async def lines(
    request: Request[Any, Any, Any],
    shell: NamedDependency[Shell],
    page_caller: NamedDependency[Caller],
    run_reads: NamedDependency[RunReads],
    machine_reads: NamedDependency[MachineReads],
) -> Response[Any]:
    """Show the lines of the list alone; with `fixed`, the page is that of the newest runs."""
    filters = filters_of(request)
    machines = await machine_names(machine_reads, page_caller)
    view = await _view(filters, shell, page_caller, run_reads, machines)
    if "fixed" in request.query_params and filters.before is not None:
        view = await _beside_newer(view, shell, page_caller, run_reads)
    return shell.shown_on("/runs").page("runs/list.html", view=view)


async def _view(
    filters: Filters,
    shell: Shell,
    caller: Caller,
    run_reads: RunReads,
    machines: Mapping[UUID, str],
) -> RunsView:
    now = shell.formats.now
    fits = filters.as_of(now)
    page = await run_reads.page_with_texts(caller, fits, limit=LINES, before=filters.before)
    # All at once, so that they share one query.
    progress = await asyncio.gather(*(run_reads.progress(row.state) for row in page.rows))
    shown = [
        run_line(
            row.state,
            found,
            machines=machines,
            spaces=run_reads.spaces,
            language=shell.preferences.language,
            now=now,
        )
        for row, found in zip(page.rows, progress, strict=True)
    ]
    first = page.rows[0].created_position + 1 if page.rows else None
    return RunsView(
        lines=shown,
        filters=filters,
        window=replace(filters, before=filters.before or first),
        older=replace(filters, before=page.next_before) if page.has_more else None,
        has_newer=False,
        may_change=may_change_runs(caller),
    )


async def _beside_newer(
    view: RunsView, shell: Shell, caller: Caller, run_reads: RunReads
) -> RunsView:
    """Return the view as that of the newest page, which says so if there are newer runs by now."""
    newest = replace(view.filters, before=None)
    fits = newest.as_of(shell.formats.now)
    page = await run_reads.page(caller, fits, limit=1, before=None)
    newer = bool(page.rows) and page.rows[0].created_position >= (view.filters.before or 0)
    return replace(view, filters=newest, has_newer=newer)


ROUTES = [runs, lines, *selected.ROUTES, one.run]
