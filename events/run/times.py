"""How long a run took: the one definition, from its facts (docs/analyse-runs.md)."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from events.run.events import Ending
from events.run.state import Run


def off_machine(
    run: Run, at: datetime, *, measured: float | None = None, rendered: bool = False
) -> Run:
    """Return the run with its current attempt off the machine at *at*.

    *measured* are the seconds that the machine itself says; *rendered*: it certainly began, even
    if its begin was not seen.
    """
    began = run.running_at
    if measured is None:
        seconds = _between(began, at) if began else 0.0
    else:
        # A clock that was set meanwhile must not make an attempt longer than it can have been.
        seconds = min(measured, _between(run.attempt_at or run.created_at, at))
    if began is None:
        began = at - timedelta(seconds=seconds) if rendered else None
    elif measured is not None:
        # News of the beginning may have come late.
        began = min(began, at - timedelta(seconds=seconds))
    return replace(
        run,
        claimed=False,
        running_at=None,
        started_at=min(run.started_at or began, began) if began else run.started_at,
        render_seconds=seconds,
        gpu_seconds=run.gpu_seconds + seconds,
    )


def ending_of(run: Run, at: datetime) -> Ending:
    """Return what a run took that ends at *at*, and the names that it had."""
    if run.claimed:
        run = off_machine(run, at)
    return Ending(
        began_at=run.started_at,
        wait_seconds=round(_between(run.created_at, run.started_at or at), 3),
        render_seconds=round(run.render_seconds, 3),
        gpu_seconds=round(run.gpu_seconds, 3),
        total_seconds=round(_between(run.created_at, at), 3),
        workflow_name=run.workflow_name,
        environment=run.environment,
        machine_name=run.machine_name,
    )


def _between(since: datetime, until: datetime) -> float:
    """Return the seconds; none where two processes' clocks disagree."""
    return max((until - since).total_seconds(), 0.0)
