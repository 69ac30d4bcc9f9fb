"""Follows a run in the terminal: a bar for the whole, one for the node that works."""

from collections.abc import AsyncIterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from app.cli.api_client import ApiClient, Heard, Json


async def watch_run(api: ApiClient, run_id: str, console: Console) -> None:
    """Show how far a run is until it is done; without a terminal, a line for each status."""
    events = api.follow(f"/v1/runs/{run_id}/events")
    if console.is_terminal:
        await _with_bars(events, console)
    else:
        await _with_lines(events, console)


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
    with Progress(*columns, console=console) as bars:
        whole = bars.add_task("not-started", total=100)
        node: TaskID | None = None
        node_id = None
        async for heard in events:
            data = heard.data
            if heard.event != "progress":
                bars.update(whole, description=data["status"])
                if data["status"] == "success":
                    bars.update(whole, completed=100)
                continue
            bars.update(whole, completed=round(data["percent"]))
            if data.get("steps"):
                if data.get("node_id") != node_id:
                    if node is not None:
                        bars.update(node, visible=False)
                    node = bars.add_task(_title(data), total=data["steps"])
                    node_id = data.get("node_id")
                assert node is not None  # it was just made
                bars.update(node, completed=data["step"] or 0, total=data["steps"])


def _title(progress: Json) -> str:
    return f"  {progress.get('node_title') or progress.get('node_class') or progress['node_id']}"
