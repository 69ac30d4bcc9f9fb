"""comfyd timeline: what happened to a run, and why."""

import click

from app.cli.client.api_client import Json
from app.cli.client.command_context import Door, remote
from app.cli.client.lookup import Id
from app.cli.output.tables import moment, print_table, seconds
from app.cli.output.waits import machine_names, with_names
from app.cli.texts import tr


@click.command(help=tr("Show what happened to a run, and why."))
@click.argument("run_id", type=Id())
@remote
async def timeline(door: Door, run_id: str) -> None:
    """Show what happened to a run, and why."""
    found = await door.api.get(f"/v1/runs/{run_id}/timeline")
    named = {} if door.json else await machine_names(door.api)
    door.show(found, lambda: _print(door, found, named))


def _print(door: Door, found: Json, named: dict[str, str]) -> None:
    rows = (
        (moment(e["at"]), with_names(e["what"], named), with_names(e["why"], named))
        for e in found["entries"]
    )
    print_table(door.console, ("at", "what", "why"), rows, empty=tr("nothing yet"))
    if found["nodes"]:
        slowest = sorted(found["nodes"], key=lambda n: n["seconds"] or 0, reverse=True)
        cells = ((n["node_id"], n["class_type"], seconds(n["seconds"])) for n in slowest)
        door.console.print()
        print_table(door.console, ("node", "class", "seconds"), cells, empty="")
    if waiting := found["waiting"]:
        reason = waiting["detail"] or waiting["reason"]
        door.say("it waits: {reason}", style="yellow", reason=with_names(reason, named))
