"""comfyd batch: many runs under one id."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.cli.client.api_client import Json, StreamEvent
from app.cli.client.command_context import CommandContext, api_command
from app.cli.client.inputs import read_objects
from app.cli.client.lookup import find_deployment
from app.cli.client.options import idempotency_option, watch_option
from app.cli.errors import NOT_SUCCESSFUL
from app.cli.output.tables import print_fields
from app.cli.texts import tr
from events.run.status import TERMINAL


@click.command(
    help=tr("Create a run of DEPLOYMENT for each line of FILE (JSON objects; - for stdin).")
)
@click.argument("deployment")
@click.argument("file", type=click.Path())
@watch_option
@idempotency_option
@api_command
async def batch(
    context: CommandContext, deployment: str, file: str, *, watch: bool, idempotency_key: str | None
) -> int | None:
    """Make a run for each line of a file."""
    deployment_id = (await find_deployment(context.api, deployment))["id"]
    body = {"deployment_id": deployment_id, "inputs": read_objects(file)}
    headers = {"Idempotency_Key": idempotency_key} if idempotency_key else {}
    created = await context.api.post("/v1/batches", body, **headers)
    return await show_batch(context, created, watch=watch)


async def show_batch(context: CommandContext, found: Json, *, watch: bool) -> int | None:
    """Show a batch; with *watch* follow it to its end and return the exit code for how it ended."""
    if not watch:
        context.show(found, lambda: _print(context, found))
        return None
    try:
        await _watch(context, found["id"], found["total"])
    except asyncio.CancelledError:
        context.say("it continues in the background: comfyd status {id} --watch", id=found["id"])
        raise
    ended = await context.api.get(f"/v1/batches/{found['id']}")
    context.show(ended, lambda: _print(context, ended))
    return 0 if ended["counts"].get("success") == ended["total"] else NOT_SUCCESSFUL


async def _watch(context: CommandContext, batch_id: str, total: int) -> None:
    async with aclosing(context.api.follow(f"/v1/batches/{batch_id}/events")) as events:
        await _with_bar(context, events, total)


async def _with_bar(
    context: CommandContext, events: AsyncIterator[StreamEvent], total: int
) -> None:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=context.console, disable=context.json) as bars:
        task = bars.add_task("", total=total)
        async for event in events:
            if counts := event.data.get("counts"):
                ended = sum(counts.get(str(status), 0) for status in TERMINAL)
                bars.update(task, completed=ended, description=_counts_text(counts))


def _counts_text(counts: Json) -> str:
    return " ".join(f"{status} {count}" for status, count in counts.items() if count)


def _print(context: CommandContext, found: Json) -> None:
    fields = {"id": found["id"], "total": found["total"], "runs": _counts_text(found["counts"])}
    print_fields(context.console, fields)
    if found["ended_at"] is None:
        context.say("follow it: comfyd status {id} --watch", id=found["id"])
