"""comfyd rerun: one run again, or all that a filter finds."""

import click

from app.cli.client.api_client import Json
from app.cli.client.command_context import CommandContext, api_command
from app.cli.client.inputs import read_inputs
from app.cli.client.lookup import Id, find_deployment
from app.cli.client.options import input_option, watch_option
from app.cli.commands.batches import show_batch
from app.cli.errors import CommandError
from app.cli.output.show_run import STATUSES, watch_to_end
from app.cli.texts import tr

LIMIT = 100


@click.command(help=tr("Run again: RUN_ID, or all that a filter finds."))
@click.argument("run_id", required=False, type=Id())
@click.option("--status", type=STATUSES, help=tr("Those with this status."))
@click.option("--deployment", help=tr("Only those of this deployment."))
@click.option("--since", help=tr("Those made after this time (RFC 3339)."))
@click.option(
    "--limit", type=click.IntRange(1, 500), show_default=str(LIMIT), help=tr("Maximum number.")
)
@click.option(
    "--version",
    type=click.Choice(["same", "current"]),
    help=tr("same: the version they ran; current: what the deployment runs now."),
)
@click.option("--dry-run", is_flag=True, help=tr("Only show how many."))
@input_option
@watch_option
@api_command
async def rerun(
    context: CommandContext,
    /,
    *,
    run_id: str | None,
    version: str | None,
    pairs: tuple[str, ...],
    watch: bool,
    **which: str | int | None,
) -> int | None:
    """Run again: one, or all that a filter finds."""
    body: Json = {"version": version} if version else {}
    if run_id:
        _refuse_a_choice_beside_an_id(which)
        return await _one(context, run_id, body, pairs, watch=watch)
    if pairs:
        raise CommandError("cli.rerun_inputs_without_id")
    if which["dry_run"] and watch:
        raise CommandError("cli.rerun_dry_watch")
    body |= await _choice(context, which)
    return await (_plan(context, body) if which["dry_run"] else _many(context, body, watch=watch))


def _refuse_a_choice_beside_an_id(which: Json) -> None:
    """A run that is named is made again: nothing is left to choose, or to count."""
    given = [f"--{name.replace('_', '-')}" for name, value in which.items() if value]
    if given:
        raise CommandError("cli.rerun_id_with_choice", options=", ".join(sorted(given)))


async def _one(
    context: CommandContext, run_id: str, body: Json, pairs: tuple[str, ...], *, watch: bool
) -> int | None:
    inputs = {"inputs": read_inputs(pairs, None)} if pairs else {}
    created = await context.api.post(f"/v1/runs/{run_id}/rerun", body | inputs)
    if watch:
        return await watch_to_end(context, created["id"], preview=True)
    context.show(created, lambda: context.say("submitted run {run_id}", run_id=created["id"]))
    return None


async def _choice(context: CommandContext, which: Json) -> Json:
    """Return the filter of runs as the API takes it."""
    wanted = {name: which[name] for name in ("status", "since") if which[name]}
    if which["deployment"]:
        wanted["deployment_id"] = (await find_deployment(context.api, which["deployment"]))["id"]
    if not wanted:
        raise CommandError("cli.rerun_without_choice")
    return {"filter": wanted, "limit": which["limit"] or LIMIT}


async def _plan(context: CommandContext, body: Json) -> int | None:
    plan = await context.api.post("/v1/runs/rerun", body | {"dry_run": True})
    context.show(plan, lambda: context.say("{total} runs would be rerun", total=plan["total"]))
    return None


async def _many(context: CommandContext, body: Json, *, watch: bool) -> int | None:
    made = await context.api.post("/v1/runs/rerun", body)
    if watch:
        context.say("rerunning {total} runs as batch {id}", total=made["total"], id=made["id"])
        return await show_batch(context, made, watch=True)
    context.show(made, lambda: _print_rerun(context, made))
    return None


def _print_rerun(context: CommandContext, made: Json) -> None:
    context.say("rerunning {total} runs as batch {id}", total=made["total"], id=made["id"])
    context.say("follow it: comfyd status {id} --watch", id=made["id"])
