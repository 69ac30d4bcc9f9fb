"""comfyd batch: many runs under one id."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.cli.client.api_client import Heard, Json
from app.cli.client.command_context import NOT_SUCCESSFUL, Door, remote
from app.cli.client.inputs import read_objects
from app.cli.client.lookup import deployment_named
from app.cli.output.tables import print_fields
from app.cli.texts import tr
from events.run.status import TERMINAL


@click.command(
    help=tr("Create a run of DEPLOYMENT for each line of FILE (JSON objects; - for stdin).")
)
@click.argument("deployment")
@click.argument("file", type=click.Path())
@click.option(
    "--watch/--no-watch", default=False, help=tr("Stay until the end, with a progress bar.")
)
@click.option("--idempotency-key", metavar="KEY", help=tr("The same key again is the same run."))
@remote
async def batch(
    door: Door, deployment: str, file: str, *, watch: bool, idempotency_key: str | None
) -> int | None:
    """Make a run for each line of a file."""
    deployment_id = (await deployment_named(door.api, deployment))["id"]
    body = {"deployment_id": deployment_id, "inputs": read_objects(file)}
    headers = {"Idempotency_Key": idempotency_key} if idempotency_key else {}
    created = await door.api.post("/v1/batches", body, **headers)
    return await show_batch(door, created, watch=watch)


async def show_batch(door: Door, found: Json, *, watch: bool) -> int | None:
    """Show a batch; *watch* stays to its end and gives the exit code that tells how it ended."""
    if not watch:
        door.show(found, lambda: _print(door, found))
        return None
    try:
        await _watch(door, found["id"], found["total"])
    except asyncio.CancelledError:
        door.say("it continues in the background: comfyd status {id} --watch", id=found["id"])
        raise
    ended = await door.api.get(f"/v1/batches/{found['id']}")
    door.show(ended, lambda: _print(door, ended))
    return 0 if ended["counts"].get("success") == ended["total"] else NOT_SUCCESSFUL


async def _watch(door: Door, batch_id: str, total: int) -> None:
    async with aclosing(door.api.follow(f"/v1/batches/{batch_id}/events")) as events:
        await _with_bar(door, events, total)


async def _with_bar(door: Door, events: AsyncIterator[Heard], total: int) -> None:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=door.console, disable=door.json) as bars:
        task = bars.add_task("", total=total)
        async for heard in events:
            if counts := heard.data.get("counts"):
                ended = sum(counts.get(str(status), 0) for status in TERMINAL)
                bars.update(task, completed=ended, description=_told(counts))


def _told(counts: Json) -> str:
    return " ".join(f"{status} {count}" for status, count in counts.items() if count)


def _print(door: Door, found: Json) -> None:
    fields = {"id": found["id"], "total": found["total"], "runs": _told(found["counts"])}
    print_fields(door.console, fields)
    if found["ended_at"] is None:
        door.say("follow it: comfyd status {id} --watch", id=found["id"])
