"""comfyd run, runs, status, timeline, events, cancel, erase: making runs, following them."""

import click
import msgspec

from app.cli.api_client import Json
from app.cli.remote.door import Door, remote
from app.cli.remote.inputs import read_inputs
from app.cli.remote.names import deployment_named
from app.cli.remote.show_run import STATUSES, show_run, watch_to_end
from app.cli.remote.tables import moment, print_table, seconds
from app.cli.words import word


@click.command(help=word("help.run"))
@click.argument("deployment")
@click.option(
    "-i", "--input", "pairs", multiple=True, metavar="NAME=VALUE", help=word("help.input")
)
@click.option("--inputs", "file", type=click.Path(), help=word("help.inputs"))
@click.option("--watch/--no-watch", default=False, help=word("help.watch"))
@click.option("--preview/--no-preview", default=True, help=word("help.preview"))
@click.option("--idempotency-key", metavar="KEY", help=word("help.idempotency_key"))
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
        door.show(created, lambda: door.say("cli.submitted", run_id=created["id"]))
        return None
    return await watch_to_end(door, created["id"], preview=preview)


@click.command(help=word("help.status"))
@click.argument("run_id")
@click.option("--watch/--no-watch", default=False, help=word("help.watch"))
@remote
async def status(door: Door, run_id: str, *, watch: bool) -> int | None:
    """Show one run."""
    if watch:
        return await watch_to_end(door, run_id, preview=True)
    await show_run(door, await door.api.get(f"/v1/runs/{run_id}"))
    return None


@click.command(help=word("help.runs"))
@click.option("--status", type=STATUSES, help=word("help.runs_status"))
@click.option("--deployment", help=word("help.runs_deployment"))
@click.option("--batch", "batch_id", help=word("help.runs_batch"))
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
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
                    moment(r["created_at"]),
                    seconds(r["duration"]),
                )
                for r in found
            ),
            empty=word("cli.no_runs"),
        ),
    )


@click.command(help=word("help.timeline"))
@click.argument("run_id")
@remote
async def timeline(door: Door, run_id: str) -> None:
    """Tell what happened to a run, and why."""
    found = await door.api.get(f"/v1/runs/{run_id}/timeline")

    def human() -> None:
        rows = ((moment(e["at"]), e["what"], e.get("why") or "") for e in found["entries"])
        print_table(door.console, ("at", "what", "why"), rows, empty=word("cli.nothing"))
        if found["nodes"]:
            slowest = sorted(found["nodes"], key=lambda n: n["seconds"] or 0, reverse=True)
            cells = ((n["node_id"], n["class_type"], seconds(n["seconds"])) for n in slowest)
            print_table(door.console, ("node", "class", "seconds"), cells, empty="")
        if waiting := found["waiting"]:
            door.say("cli.waiting", reason=waiting.get("detail") or waiting["reason"])

    door.show(found, human)


@click.command(help=word("help.events"))
@click.argument("run_id")
@click.option("-f", "--follow/--no-follow", default=False, help=word("help.follow"))
@click.option("--after", help=word("help.after"))
@remote
async def events(door: Door, run_id: str, *, follow: bool, after: str | None) -> None:
    """Print the events of a run, one a line."""
    present = int((await door.api.get(f"/v1/runs/{run_id}"))["position"])
    async for heard in door.api.follow(f"/v1/runs/{run_id}/events", after=after or "0"):
        if heard.event == "done" or (heard.event == "progress" and not follow):
            continue
        if door.json:
            click.echo(msgspec.json.encode({"event": heard.event, **heard.data}).decode())
        else:
            door.console.print(_line(heard.event, heard.data), soft_wrap=True)
        if not follow and int(heard.id or 0) >= present:
            return


@click.command(help=word("help.cancel"))
@click.argument("run_ids", nargs=-1, required=True)
@remote
async def cancel(door: Door, run_ids: tuple[str, ...]) -> None:
    """Ask to stop runs."""
    asked = [await door.api.post(f"/v1/runs/{run_id}/cancel") for run_id in run_ids]
    door.show(asked, lambda: _say_all(door, "cli.cancel_asked", asked))


@click.command(help=word("help.erase"))
@click.argument("run_ids", nargs=-1, required=True)
@click.confirmation_option(prompt=word("cli.erase_sure"))
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


def _say_all(door: Door, key: str, runs_: list[Json]) -> None:
    for found in runs_:
        door.say(key, run_id=found["id"], status=found["status"])
