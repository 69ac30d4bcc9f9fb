"""Progress bars of a run that is followed: one for the run, one for the node that works."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from app.cli.client.api_client import ApiClient, Json, StreamEvent
from app.cli.output.waits import why_it_waits
from app.cli.texts import tr
from events.run.status import Status

MAY_WAIT = frozenset({Status.NOT_STARTED, Status.QUEUED, Status.STARTED})
"""Statuses in which a run may be waiting for something."""


async def watch_run(api: ApiClient, run_id: str, console: Console) -> None:
    """Show the progress of a run until it is done; without a terminal, a line for each status."""
    async with aclosing(api.follow(f"/v1/runs/{run_id}/events")) as events:
        explained = _with_waits(api, run_id, events, console)
        if console.is_terminal:
            await _with_bars(explained, console)
        else:
            await _with_lines(explained, console)


async def _with_waits(
    api: ApiClient, run_id: str, events: AsyncIterator[StreamEvent], console: Console
) -> AsyncIterator[StreamEvent]:
    """Pass the events on, and print what the run waits for."""
    async for event in events:
        reason = ""
        if event.event == "run.waiting":
            reason = await why_it_waits(api, run_id, at_least=timedelta())
        elif event.event == "snapshot" and event.data["status"] in MAY_WAIT:
            reason = await why_it_waits(api, run_id)
        if reason:
            console.print(tr("it waits: {reason}", reason=reason), style="yellow", soft_wrap=True)
        yield event


async def _with_lines(events: AsyncIterator[StreamEvent], console: Console) -> None:
    last = ""
    async for event in events:
        status = event.data.get("status", last)
        if status != last:
            console.print(status)
            last = status


async def _with_bars(events: AsyncIterator[StreamEvent], console: Console) -> None:
    columns = (
        TextColumn("{task.description:<28.28}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bars = _Bars(progress)
        async for event in events:
            if event.event == "progress":
                bars.show_progress(event.data)
            else:
                bars.show_status(event.data["status"])


class _Bars:
    """The two bars; a node's bar is removed when the node is done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._whole = progress.add_task(str(Status.NOT_STARTED), total=100)
        self._node: tuple[str, TaskID] | None = None

    def show_status(self, status: str) -> None:
        self._progress.update(self._whole, description=status)
        if status not in {Status.RUNNING, *MAY_WAIT}:
            self._end_node()
        if status == Status.SUCCESS:
            self._progress.update(self._whole, completed=100)

    def show_progress(self, data: Json) -> None:
        self._progress.update(self._whole, completed=round(data["percent"]))
        # What is nothing is left out: the first of many steps comes without `step`.
        node_id, step, steps = data.get("node_id", ""), data.get("step", 0), data.get("steps", 0)
        if self._node is not None and self._node[0] != node_id:
            self._end_node()
        if not steps:
            return
        if self._node is None:
            self._node = node_id, self._progress.add_task(_title(data), total=steps)
        self._progress.update(self._node[1], completed=step, total=steps)

    def _end_node(self) -> None:
        if self._node is not None:
            self._progress.remove_task(self._node[1])
            self._node = None


def _title(progress: Json) -> str:
    return f"  {progress.get('node_title') or progress.get('node_class') or progress['node_id']}"
