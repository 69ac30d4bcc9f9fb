"""comfyd run, runs, status, events, cancel, erase: making runs, following them."""

from contextlib import aclosing

import click

from app.cli.client.api_client import Json
from app.cli.client.command_context import Door, remote
from app.cli.client.inputs import read_inputs
from app.cli.client.lookup import Id, deployment_named, of_run_or_batch
from app.cli.commands.batches import show_batch
from app.cli.output.show_run import STATUSES, show_run, watch_to_end
from app.cli.output.tables import day, moment, print_table, seconds
from app.cli.terminal import json_text
from app.cli.texts import CHOSEN, tr


@click.command(help=tr("Create a run of DEPLOYMENT (id, WORKFLOW or WORKFLOW/ENVIRONMENT)."))
@click.argument("deployment")
@click.option(
    "-i",
    "--input",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help=tr("NAME=TEXT, NAME=@PICTURE or NAME:=JSON; may be repeated."),
)
@click.option(
    "--inputs", "file", type=click.Path(), help=tr("JSON object with inputs; - for stdin.")
)
@click.option(
    "--watch/--no-watch", default=False, help=tr("Stay until the end, with a progress bar.")
)
@click.option("--preview/--no-preview", default=True, help=tr("Show images in the terminal."))
@click.option("--idempotency-key", metavar="KEY", help=tr("The same key again is the same run."))
@remote
async def run(
    door: Door,
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
        "deployment_id": (await deployment_named(door.api, deployment))["id"],
        "inputs": read_inputs(pairs, file),
    }
    headers = {"Idempotency_Key": idempotency_key} if idempotency_key else {}
    created = await door.api.post("/v1/runs", body, **headers)
    if not watch:
        door.show(created, lambda: _say_submitted(door, created))
        return None
    return await watch_to_end(door, created["id"], preview=preview)


@click.command(help=tr("Show a run or a batch."))
@click.argument("some_id", metavar="ID", type=Id())
@click.option(
    "--watch/--no-watch", default=False, help=tr("Stay until the end, with a progress bar.")
)
@click.option("--preview/--no-preview", default=True, help=tr("Show images in the terminal."))
@remote
async def status(door: Door, some_id: str, *, watch: bool, preview: bool) -> int | None:
    """Show one run, or one batch."""
    found = await of_run_or_batch(door.api.get, some_id)
    if "counts" in found:
        return await show_batch(door, found, watch=watch)
    if watch:
        return await watch_to_end(door, some_id, preview=preview)
    await show_run(door, found)
    return None


@click.command(help=tr("List runs, newest first."))
@click.option("--status", type=STATUSES, help=tr("Only those with this status."))
@click.option("--deployment", help=tr("Only those of this deployment."))
@click.option("--batch", "batch_id", type=Id(), help=tr("Only those of this batch."))
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help=tr("Maximum number.")
)
@remote
async def runs(
    door: Door, status: str | None, deployment: str | None, batch_id: str | None, limit: int
) -> None:
    """List runs."""
    query: Json = {"status": status, "batch_id": batch_id}
    if deployment:
        query["deployment_id"] = (await deployment_named(door.api, deployment))["id"]
    found = await door.api.items("/v1/runs", most=limit, **query)
    door.show(
        found,
        lambda: print_table(
            door.console,
            ("id", "status", "version", "created", "duration"),
            (
                (
                    r["id"],
                    r["status"],
                    r["version"],
                    day(r["created_at"]),
                    seconds(r["duration"]),
                )
                for r in found
            ),
            empty=tr("no such runs"),
        ),
    )


@click.command(help=tr("Print the events of a run."))
@click.argument("run_id", type=Id())
@click.option(
    "-f", "--follow/--no-follow", default=False, help=tr("Continue with new events and progress.")
)
@click.option("--after", help=tr("Only what came after this position."))
@remote
async def events(door: Door, run_id: str, *, follow: bool, after: str | None) -> None:
    """Print the events of a run, one a line."""
    present = int((await door.api.get(f"/v1/runs/{run_id}"))["position"])
    path = f"/v1/runs/{run_id}/events"
    async with aclosing(door.api.follow(path, after=after or "0")) as stream:
        async for heard in stream:
            if heard.event == "done" or (heard.event == "progress" and not follow):
                continue
            if door.json:
                click.echo(json_text({"event": heard.event, **heard.data}))
            else:
                door.console.print(_line(heard.event, heard.data), soft_wrap=True)
            if not follow and int(heard.id or 0) >= present:
                return


@click.command(help=tr("Ask to stop runs or batches."))
@click.argument("ids", nargs=-1, required=True, type=Id())
@remote
async def cancel(door: Door, ids: tuple[str, ...]) -> None:
    """Ask to stop runs, or whole batches."""
    asked = [await of_run_or_batch(door.api.post, some_id, "/cancel") for some_id in ids]
    door.show(asked, lambda: _say_all(door, "cli.cancel_asked", asked))


@click.command(help=tr("Erase inputs and outputs of runs; numbers stay."))
@click.argument("run_ids", nargs=-1, required=True, type=Id())
@click.confirmation_option(prompt=tr("Inputs and outputs will be deleted permanently. Continue?"))
@remote
async def erase(door: Door, run_ids: tuple[str, ...]) -> None:
    """Erase the private data of runs."""
    erased = [await door.api.post(f"/v1/runs/{run_id}/erase") for run_id in run_ids]
    door.show(erased, lambda: _say_all(door, "cli.erase_asked", erased))


def _line(event: str, data: Json) -> str:
    if event == "progress":
        return f"{'':19}  {data['percent']:>3} % {data['message']}"
    details = {n: v for n, v in (data.get("data") or {}).items() if v not in (None, "", [], {})}
    told = " ".join(f"{name}={value}" for name, value in details.items())
    return f"{moment(data.get('at')):19}  {event} [{data.get('status', '')}] {told}".rstrip()


def _say_submitted(door: Door, created: Json) -> None:
    door.say("submitted run {run_id}", run_id=created["id"])
    door.say("follow it: comfyd status {id} --watch", id=created["id"])


def _say_all(door: Door, code: str, runs_: list[Json]) -> None:
    for found in runs_:
        door.say(CHOSEN[code], run_id=found["id"], status=found["status"])
