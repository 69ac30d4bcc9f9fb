"""What pages show, made up: every kind of line once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from app.pages.i18n.formats import Formats
from app.pages.i18n.preferences import Preferences
from app.pages.shell.shell import Address, Shell
from app.reads.overview import Overview
from app.reads.runs.runs import FoundRun
from app.reads.statistics import MachineLoad, Statistics, WaitingRuns
from events.aggregates import RUN
from events.machine.snapshot import Device
from events.machine.state import Machine, MachineState
from events.run.events import RunError
from events.run.progress import Progress
from events.run.state import Run
from events.run.status import Status
from projections.activity import HourOfRuns, Spread
from tests.builders.facts import MACHINE_ID, OTHER_ID, created
from tests.builders.machines import registered, snapshot

AT = datetime(2026, 11, 30, 11, 4, 5, tzinfo=UTC)
EVIL = "<script>alert('Fuchs')</script>"
"""A name that must be shown, and not run."""


def shell(language: str = "en", *, path: str = "/", theme: str = "auto") -> Shell:
    """Return the shell of a page."""
    zone = ZoneInfo("UTC")
    return Shell(
        address=Address(path=path),
        preferences=Preferences(language=language, theme=theme, zone=zone),
        formats=Formats(language=language, zone=zone, now=AT),
        images_from="http://127.0.0.1:8333",
    )


def run(status: Status, number: int = 1, **changes: object) -> Run:
    """Return a run."""
    born = RUN.fold([created(run_id=UUID(int=number), workflow_name=EVIL, at=AT)])
    assert born is not None
    return replace(born, status=status, machine_name="gpu-1", started_at=AT, **changes)


def hour(
    back: int, *, success: int = 0, failed: int = 0, render: float | None = None
) -> HourOfRuns:
    """Return the runs of an hour, so many hours ago."""
    at = AT.replace(minute=0, second=0) - timedelta(hours=back)
    spread = None if render is None else Spread(p50=render, p95=2 * render)
    return HourOfRuns(
        at=at, success=success, failed=failed, cancelled=0, timeout=0, wait=spread, render=spread
    )


def machine(
    name: str, number: UUID = MACHINE_ID, state: MachineState = MachineState.ACTIVE
) -> Machine:
    """Return a machine that was reached."""
    found = replace(snapshot(), devices=(Device(name="RTX 4090", type="cuda", vram_total=1),))
    facts = replace(registered(), name=name, machine_id=number)
    return Machine(id=number, current=facts, created_at=AT, state=state, snapshot=found)


def busy_overview() -> Overview:
    """Return the overview of a tenant where everything happens at once."""
    progress = Progress(percent=40, message="KSampler 8/20")
    return Overview(
        statistics=Statistics(
            open={str(Status.RUNNING): 1},
            waiting=[
                WaitingRuns(reason="machine_queue", machine_id=MACHINE_ID, count=12, oldest_at=AT),
                WaitingRuns(
                    reason="machine_unreachable", machine_id=OTHER_ID, count=1, oldest_at=AT
                ),
            ],
            machines=[MachineLoad(machine_id=MACHINE_ID, active=1, waiting=12)],
            hours=[hour(n, success=10, failed=n % 2, render=2.5) for n in range(23, -1, -1)],
        ),
        running=[FoundRun(run=run(Status.RUNNING), position=1, progress=progress)],
        failures=[
            run(
                Status.FAILED,
                2,
                ended_at=AT,
                error=RunError(code="node_failed", message="CUDA out of memory"),
            )
        ],
        machines=[machine("gpu-1"), machine("gpu-2", OTHER_ID)],
        has_deployments=True,
        has_runs=True,
    )


def empty_overview() -> Overview:
    """Return the overview of a tenant who has nothing yet."""
    return Overview(
        statistics=Statistics(
            open={}, waiting=[], machines=[], hours=[hour(n) for n in range(23, -1, -1)]
        ),
        running=[],
        failures=[],
        machines=[],
        has_deployments=False,
        has_runs=False,
    )
