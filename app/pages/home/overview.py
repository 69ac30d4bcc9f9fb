"""What Home shows of an overview, with names in the place of ids."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from app.pages.home.plots import Frame, RunsPlot, TimesPlot, runs_plot, times_plot
from app.pages.i18n.words import TROUBLE, reason_text
from app.reads.overview import Overview
from app.reads.runs.runs import FoundRun
from events.machine.state import Machine
from events.run.state import Run
from events.run.waiting import WaitingReason


class WaitingLine(Struct, frozen=True, kw_only=True):
    """Runs that wait for the same thing."""

    text: str
    count: int
    oldest_at: datetime
    trouble: bool


class MachineLine(Struct, frozen=True, kw_only=True):
    """A machine and its load."""

    id: UUID
    name: str
    state: str
    """active, draining, disabled; unreachable where a run waits for its answer; new."""

    devices: str
    active: int
    waiting: int


class Step(Struct, frozen=True, kw_only=True):
    """One of the first steps, and whether it is done."""

    name: str
    done: bool


class HomeView(Struct, frozen=True, kw_only=True):
    """What Home shows."""

    running: Sequence[FoundRun]
    running_in_all: int
    waiting: Sequence[WaitingLine]
    waiting_in_all: int
    machines: Sequence[MachineLine]
    failures: Sequence[Run]
    ended: int
    failed: int
    plot: Frame = Frame()
    runs: RunsPlot
    times: TimesPlot
    steps: Sequence[Step]
    """Empty once all are done."""


def home_view(overview: Overview, language: str) -> HomeView:
    """Show an overview in a language."""
    figures = overview.statistics
    names = {machine.id: machine.name for machine in overview.machines}
    waiting = [
        WaitingLine(
            text=reason_text(w.reason, names.get(w.machine_id, str(w.machine_id)[:8]), language),
            count=w.count,
            oldest_at=w.oldest_at,
            trouble=w.reason in TROUBLE,
        )
        for w in figures.waiting
    ]
    steps = _steps(overview)
    return HomeView(
        running=overview.running,
        running_in_all=sum(load.active for load in figures.machines),
        waiting=waiting,
        waiting_in_all=sum(line.count for line in waiting),
        machines=sorted((_machine_line(one, overview) for one in overview.machines), key=_place),
        failures=overview.failures,
        ended=figures.ended,
        failed=sum(hour.failed + hour.timeout for hour in figures.hours),
        runs=runs_plot(figures.hours),
        times=times_plot(figures.hours),
        steps=[] if all(step.done for step in steps) else steps,
    )


def _machine_line(machine: Machine, overview: Overview) -> MachineLine:
    figures = overview.statistics
    loads = {load.machine_id: load for load in figures.machines}
    load = loads.get(machine.id)
    silent = any(
        w.machine_id == machine.id and w.reason == WaitingReason.MACHINE_UNREACHABLE
        for w in figures.waiting
    )
    known = machine.snapshot
    state = "unreachable" if silent else str(machine.state)
    return MachineLine(
        id=machine.id,
        name=machine.name,
        state="new" if known is None and state == "active" else state,
        devices=", ".join(device.name for device in known.devices) if known else "",
        active=load.active if load else 0,
        waiting=load.waiting if load else 0,
    )


def _place(machine: MachineLine) -> tuple[int, str]:
    """Put what needs a person first, and keep the order else: rows that move cannot be read."""
    order = ("unreachable", "new", "disabled", "draining")
    return order.index(machine.state) if machine.state in order else len(order), machine.name


def _steps(overview: Overview) -> list[Step]:
    has_runs = overview.has_runs
    return [
        Step(name="machine", done=has_runs or bool(overview.machines)),
        Step(name="workflow", done=has_runs or overview.has_deployments),
        Step(name="run", done=has_runs),
    ]
