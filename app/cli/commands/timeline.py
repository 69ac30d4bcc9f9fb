"""comfyd timeline: what happened to a run, and why."""

import click

from app.cli.client.api_client import Json
from app.cli.client.command_context import CommandContext, api_command
from app.cli.client.lookup import Id
from app.cli.output.tables import format_seconds, format_time, print_table
from app.cli.output.waits import machine_names, with_names
from app.cli.texts import tr


@click.command(help=tr("Show what happened to a run, and why."))
@click.argument("run_id", type=Id())
@api_command
async def timeline(context: CommandContext, run_id: str) -> None:
    """Show what happened to a run, and why."""
    found = await context.api.get(f"/v1/runs/{run_id}/timeline")
    named = {} if context.json else await machine_names(context.api)
    context.show(found, lambda: _print(context, found, named))


def _print(context: CommandContext, found: Json, named: dict[str, str]) -> None:
    rows = (
        (format_time(e["at"]), with_names(e["what"], named), with_names(e["why"], named))
        for e in found["entries"]
    )
    print_table(context.console, ("at", "what", "why"), rows, empty=tr("nothing yet"))
    if found["nodes"]:
        slowest = sorted(found["nodes"], key=lambda n: n["seconds"] or 0, reverse=True)
        cells = ((n["node_id"], n["class_type"], format_seconds(n["seconds"])) for n in slowest)
        context.console.print()
        print_table(context.console, ("node", "class", "seconds"), cells, empty="")
    if waiting := found["waiting"]:
        reason = waiting["detail"] or waiting["reason"]
        context.say("it waits: {reason}", style="yellow", reason=with_names(reason, named))
