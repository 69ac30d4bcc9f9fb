"""One run as people read it, and a run watched to its end."""

import asyncio

import click

from app.cli.client.api_client import Json
from app.cli.client.command_context import NOT_SUCCESSFUL, Door
from app.cli.output.preview import show_image
from app.cli.output.tables import moment, print_fields, seconds
from app.cli.output.waits import why_it_waits
from app.cli.output.watch import FIRST, watch_run
from events.run.status import Status

STATUSES = click.Choice([str(status) for status in Status])


async def watch_to_end(door: Door, run_id: str, *, preview: bool) -> int:
    """Follow a run to its end; give the exit code that tells how it ended."""
    try:
        if door.json:
            async for _ in door.api.follow(f"/v1/runs/{run_id}/events"):
                pass
        else:
            await watch_run(door.api, run_id, door.console)
    except asyncio.CancelledError:
        door.say("it continues in the background: comfyd status {id} --watch", id=run_id)
        raise
    ended = await door.api.get(f"/v1/runs/{run_id}")
    await show_run(door, ended, preview=preview)
    return 0 if ended["status"] == "success" else NOT_SUCCESSFUL


async def show_run(door: Door, found: Json, *, preview: bool = False) -> None:
    """Show a run and what it made; *preview* shows its images too."""
    error = found["error"] or {}
    waits = not door.json and found["status"] in FIRST
    fields = {
        "id": found["id"],
        "status": found["status"],
        "deployment": found["deployment_id"],
        "version": found["version"],
        "created": moment(found["created_at"]),
        "duration": seconds(found["duration"]),
        "attempt": found["attempt"] or None,
        "waits for": await why_it_waits(door.api, found["id"]) if waits else None,
        "error": f"{error['code']}: {error['message']}" if error else None,
        "rerun of": found["rerun_of"],
        "batch": found["batch_id"],
        "erased": moment(found["erased_at"]),
    }
    door.show(found, lambda: print_fields(door.console, fields))
    for output in found["outputs"] if not door.json else ():
        if output.get("url"):
            door.console.print(output["url"], soft_wrap=True)
            if preview and (output.get("media_type") or "").startswith("image/"):
                await show_image(door.console, output["url"])
        elif output.get("text"):
            door.console.print(output["text"])
            if output["omitted"]:
                door.say("… {count} more characters are not kept", count=output["omitted"])
