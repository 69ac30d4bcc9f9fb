"""comfyd run, runs, status, timeline, events, cancel, erase: one run or many."""

from contextlib import aclosing

import click

from app.cli.client.api_client import Json
from app.cli.client.command_context import CommandContext, api_command
from app.cli.client.inputs import read_inputs
from app.cli.client.lookup import Id, find_deployment, request_run_or_batch
from app.cli.client.options import idempotency_option, input_option, preview_option, watch_option
from app.cli.commands.batches import show_batch
from app.cli.output.show_run import STATUSES, show_run, watch_to_end
from app.cli.output.tables import format_day, format_seconds, format_time, print_table
from app.cli.output.waits import machine_names, with_names
from app.cli.terminal import json_text
from app.cli.texts import TEXTS, tr


@click.command(help=tr("Create a run of DEPLOYMENT (id, WORKFLOW or WORKFLOW/ENVIRONMENT)."))
@click.argument("deployment")
@input_option
@click.option(
    "--inputs", "file", type=click.Path(), help=tr("JSON object with inputs; - for stdin.")
)
@watch_option
@preview_option
@idempotency_option
@api_command
async def run(
    context: CommandContext,
    *,
    deployment: str,
    pairs: tuple[str, ...],
    file: str | None,
    watch: bool,
    preview: bool,
    idempotency_key: str | None,
) -> int | None:
    """Make a run."""
    body = {
        "deployment_id": (await find_deployment(context.api, deployment))["id"],
        "inputs": read_inputs(pairs, file),
    }
    headers = {"Idempotency_Key": idempotency_key} if idempotency_key else {}
    created = await context.api.post("/v1/runs", body, **headers)
    if not watch:
        context.show(created, lambda: _print_submitted(context, created))
        return None
    return await watch_to_end(context, created["id"], preview=preview)


@click.command(help=tr("Show a run or a batch."))
@click.argument("some_id", metavar="ID", type=Id())
@watch_option
@preview_option
@api_command
async def status(
    context: CommandContext, some_id: str, *, watch: bool, preview: bool
) -> int | None:
    """Show one run, or one batch."""
    found = await request_run_or_batch(context.api.get, some_id)
    if "counts" in found:
        return await show_batch(context, found, watch=watch)
    if watch:
        return await watch_to_end(context, some_id, preview=preview)
    await show_run(context, found)
    return None


@click.command(help=tr("List runs, newest first."))
@click.option("--status", type=STATUSES, help=tr("Only those with this status."))
@click.option("--deployment", help=tr("Only those of this deployment."))
@click.option("--batch", "batch_id", type=Id(), help=tr("Only those of this batch."))
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help=tr("Maximum number.")
)
@api_command
async def runs(
    context: CommandContext,
    status: str | None,
    deployment: str | None,
    batch_id: str | None,
    limit: int,
) -> None:
    """List runs."""
    query: Json = {"status": status, "batch_id": batch_id}
    if deployment:
        query["deployment_id"] = (await find_deployment(context.api, deployment))["id"]
    found = await context.api.items("/v1/runs", most=limit, **query)
    context.show(
        found,
        lambda: print_table(
            context.console,
            ("id", "status", "version", "created", "duration"),
            (
                (
                    r["id"],
                    r["status"],
                    r["version"],
                    format_day(r["created_at"]),
                    format_seconds(r["duration"]),
                )
                for r in found
            ),
            empty=tr("no such runs"),
        ),
    )


@click.command(help=tr("Show what happened to a run, and why."))
@click.argument("run_id", type=Id())
@api_command
async def timeline(context: CommandContext, run_id: str) -> None:
    """Show what happened to a run, and why."""
    found = await context.api.get(f"/v1/runs/{run_id}/timeline")
    named = {} if context.json else await machine_names(context.api)
    context.show(found, lambda: _print_timeline(context, found, named))


@click.command(help=tr("Print the events of a run."))
@click.argument("run_id", type=Id())
@click.option(
    "-f", "--follow/--no-follow", default=False, help=tr("Continue with new events and progress.")
)
@click.option("--after", help=tr("Only what came after this position."))
@api_command
async def events(context: CommandContext, run_id: str, *, follow: bool, after: str | None) -> None:
    """Print the events of a run, one a line."""
    present = int((await context.api.get(f"/v1/runs/{run_id}"))["position"])
    path = f"/v1/runs/{run_id}/events"
    async with aclosing(context.api.follow(path, after=after or "0")) as stream:
        async for event in stream:
            if event.event == "done" or (event.event == "progress" and not follow):
                continue
            if context.json:
                click.echo(json_text({"event": event.event, **event.data}))
            else:
                context.console.print(_line(event.event, event.data), soft_wrap=True)
            if not follow and int(event.id or 0) >= present:
                return


@click.command(help=tr("Ask to stop runs or batches."))
@click.argument("ids", nargs=-1, required=True, type=Id())
@api_command
async def cancel(context: CommandContext, ids: tuple[str, ...]) -> None:
    """Ask to stop runs, or whole batches."""
    asked = [await request_run_or_batch(context.api.post, some_id, "/cancel") for some_id in ids]
    context.show(asked, lambda: _print_all(context, "cli.cancel_asked", asked))


@click.command(help=tr("Erase inputs and outputs of runs; numbers stay."))
@click.argument("run_ids", nargs=-1, required=True, type=Id())
@click.confirmation_option(prompt=tr("Inputs and outputs will be deleted permanently. Continue?"))
@api_command
async def erase(context: CommandContext, run_ids: tuple[str, ...]) -> None:
    """Erase the private data of runs."""
    erased = [await context.api.post(f"/v1/runs/{run_id}/erase") for run_id in run_ids]
    context.show(erased, lambda: _print_all(context, "cli.erase_asked", erased))


def _line(event: str, data: Json) -> str:
    if event == "progress":
        return f"{'':19}  {data['percent']:>3} % {data['message']}"
    details = {n: v for n, v in (data.get("data") or {}).items() if v not in (None, "", [], {})}
    values = " ".join(f"{name}={value}" for name, value in details.items())
    return f"{format_time(data.get('at')):19}  {event} [{data.get('status', '')}] {values}".rstrip()


def _print_submitted(context: CommandContext, created: Json) -> None:
    context.say("submitted run {run_id}", run_id=created["id"])
    context.say("follow it: comfyd status {id} --watch", id=created["id"])


def _print_all(context: CommandContext, code: str, runs_: list[Json]) -> None:
    for found in runs_:
        context.say(TEXTS[code], run_id=found["id"], status=found["status"])


def _print_timeline(context: CommandContext, found: Json, named: dict[str, str]) -> None:
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
