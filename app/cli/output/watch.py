"""Follows a run in the terminal: a bar for the whole, one for the node that works."""

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

from app.cli.client.api_client import ApiClient, Heard, Json
from app.cli.output.waits import why_it_waits
from app.cli.texts import tr
from events.run.status import Status

FIRST = frozenset({Status.NOT_STARTED, Status.QUEUED, Status.STARTED})
"""Statuses in which a run may be waiting for something."""


async def watch_run(api: ApiClient, run_id: str, console: Console) -> None:
    """Show how far a run is until it is done; without a terminal, a line for each status."""
    async with aclosing(api.follow(f"/v1/runs/{run_id}/events")) as events:
        heard = _with_waits(api, run_id, events, console)
        if console.is_terminal:
            await _with_bars(heard, console)
        else:
            await _with_lines(heard, console)


async def _with_waits(
    api: ApiClient, run_id: str, events: AsyncIterator[Heard], console: Console
) -> AsyncIterator[Heard]:
    """Pass on what is heard, and say what the run waits for."""
    async for heard in events:
        reason = ""
        if heard.event == "run.waiting":
            reason = await why_it_waits(api, run_id, at_least=timedelta())
        elif heard.event == "snapshot" and heard.data["status"] in FIRST:
            reason = await why_it_waits(api, run_id)
        if reason:
            console.print(tr("it waits: {reason}", reason=reason), style="yellow", soft_wrap=True)
        yield heard


async def _with_lines(events: AsyncIterator[Heard], console: Console) -> None:
    last = ""
    async for heard in events:
        status = heard.data.get("status", last)
        if status != last:
            console.print(status)
            last = status


async def _with_bars(events: AsyncIterator[Heard], console: Console) -> None:
    columns = (
        TextColumn("{task.description:<28.28}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bars = _Bars(progress)
        async for heard in events:
            if heard.event == "progress":
                bars.move(heard.data)
            else:
                bars.name(heard.data["status"])


class _Bars:
    """The two bars; that of a node goes when the node is done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._whole = progress.add_task(str(Status.NOT_STARTED), total=100)
        self._node: tuple[str, TaskID] | None = None

    def name(self, status: str) -> None:
        self._progress.update(self._whole, description=status)
        if status not in {Status.RUNNING, *FIRST}:
            self._end_node()
        if status == Status.SUCCESS:
            self._progress.update(self._whole, completed=100)

    def move(self, data: Json) -> None:
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
