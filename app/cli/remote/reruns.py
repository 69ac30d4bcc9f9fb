"""comfyd rerun: one run again, or all that a filter finds."""

import click

from app.cli.api_client import Json
from app.cli.remote.door import Door, Refused, remote
from app.cli.remote.inputs import read_inputs
from app.cli.remote.names import Id, deployment_named
from app.cli.remote.show_run import STATUSES, watch_to_end
from app.cli.words import word


@click.command(help=word("help.rerun"))
@click.argument("run_id", required=False, type=Id())
@click.option("--status", type=STATUSES, help=word("help.rerun_status"))
@click.option("--deployment", help=word("help.runs_deployment"))
@click.option("--since", help=word("help.since"))
@click.option(
    "--limit",
    type=click.IntRange(1, 500),
    default=100,
    show_default=True,
    help=word("help.limit"),
)
@click.option("--version", type=click.Choice(["same", "current"]), help=word("help.rerun_version"))
@click.option("--dry-run", is_flag=True, help=word("help.dry_run"))
@click.option(
    "-i", "--input", "pairs", multiple=True, metavar="NAME=VALUE", help=word("help.input")
)
@click.option("--watch/--no-watch", default=False, help=word("help.watch"))
@remote
async def rerun(  # noqa: PLR0913 -- one for each option
    door: Door,
    *,
    run_id: str | None,
    status: str | None,
    deployment: str | None,
    since: str | None,
    limit: int,
    version: str | None,
    dry_run: bool,
    pairs: tuple[str, ...],
    watch: bool,
) -> int | None:
    """Run again: one, or all that a filter finds."""
    body: Json = {"version": version} if version else {}
    if run_id:
        if pairs:
            body["inputs"] = read_inputs(pairs, None)
        created = await door.api.post(f"/v1/runs/{run_id}/rerun", body)
        if watch:
            return await watch_to_end(door, created["id"], preview=True)
        door.show(created, lambda: door.say("cli.submitted", run_id=created["id"]))
        return None
    filters = {"status": status, "since": since}
    if deployment:
        filters["deployment_id"] = (await deployment_named(door.api, deployment))["id"]
    body["filter"] = {name: value for name, value in filters.items() if value}
    if not body["filter"]:
        raise Refused("cli.rerun_what")
    answer = await door.api.post(
        "/v1/runs/rerun", body | {"limit": limit} | ({"dry_run": True} if dry_run else {})
    )
    door.show(answer, lambda: _say_what_is_rerun(door, answer, dry_run=dry_run))
    return None


def _say_what_is_rerun(door: Door, answer: Json, *, dry_run: bool) -> None:
    if dry_run:
        door.say("cli.would_rerun", total=answer["total"])
        return
    door.say("cli.rerunning", total=answer["total"], id=answer["id"])
    door.say("cli.follow", id=answer["id"])
