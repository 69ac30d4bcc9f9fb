"""View of one run, and of a run that is watched to its end."""

import asyncio

import click

from app.cli.client.api_client import Json
from app.cli.client.command_context import CommandContext
from app.cli.errors import NOT_SUCCESSFUL
from app.cli.output.preview import show_image
from app.cli.output.tables import format_seconds, format_time, print_fields
from app.cli.output.waits import why_it_waits
from app.cli.output.watch import MAY_WAIT, watch_run
from events.run.status import Status

STATUSES = click.Choice([str(status) for status in Status])


async def watch_to_end(context: CommandContext, run_id: str, *, preview: bool) -> int:
    """Follow a run to its end; return the exit code for how it ended."""
    try:
        if context.json:
            async for _ in context.api.follow(f"/v1/runs/{run_id}/events"):
                pass
        else:
            await watch_run(context.api, run_id, context.console)
    except asyncio.CancelledError:
        context.say("it continues in the background: comfyd status {id} --watch", id=run_id)
        raise
    ended = await context.api.get(f"/v1/runs/{run_id}")
    await show_run(context, ended, preview=preview)
    return 0 if ended["status"] == "success" else NOT_SUCCESSFUL


async def show_run(context: CommandContext, found: Json, *, preview: bool = False) -> None:
    """Show a run and what it made; *preview* shows its images too."""
    error = found["error"] or {}
    waits = not context.json and found["status"] in MAY_WAIT
    fields = {
        "id": found["id"],
        "status": found["status"],
        "deployment": found["deployment_id"],
        "version": found["version"],
        "created": format_time(found["created_at"]),
        "duration": format_seconds(found["duration"]),
        "attempt": found["attempt"] or None,
        "waits for": await why_it_waits(context.api, found["id"]) if waits else None,
        "error": f"{error['code']}: {error['message']}" if error else None,
        "rerun of": found["rerun_of"],
        "batch": found["batch_id"],
        "erased": format_time(found["erased_at"]),
    }
    context.show(found, lambda: print_fields(context.console, fields))
    for output in found["outputs"] if not context.json else ():
        if output.get("url"):
            context.console.print(output["url"], soft_wrap=True)
            if preview and (output.get("media_type") or "").startswith("image/"):
                await show_image(context.console, output["url"])
        elif output.get("text"):
            context.console.print(output["text"])
            if output["omitted"]:
                context.say("… {count} more characters are not kept", count=output["omitted"])
