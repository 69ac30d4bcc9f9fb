"""comfyd deploy, promote, rollback, deployments: which version an environment runs."""

import asyncio
import shlex
from pathlib import Path

import click

from app.cli.client.api_client import Json
from app.cli.client.command_context import CommandContext, api_command
from app.cli.client.lookup import (
    DEFAULT_ENVIRONMENT,
    find_deployment,
    find_machine,
    find_workflow,
)
from app.cli.commands.workflows import print_pushed, push_file
from app.cli.errors import REFUSED, CommandError
from app.cli.output.tables import format_day, format_time, print_table
from app.cli.texts import tr
from events.deployment import ENVIRONMENTS

LOOKS = (0.0, 0.3, 0.7)
"""Seconds before each look for a deployment: lists are a moment behind what was just promoted."""

_to = click.option(
    "--to",
    "environment",
    type=click.Choice(ENVIRONMENTS),
    default=DEFAULT_ENVIRONMENT,
    show_default=True,
    help=tr("Which environment."),
)
_machine = click.option("--machine", help=tr("Machine it runs on; needed the first time."))
_force = click.option(
    "--force", is_flag=True, help=tr("Even if callers of the present version would break.")
)
_comment = click.option("--comment", default="", help=tr("A comment for the history."))


@click.command(help=tr("Push FILE and promote it to an environment, in one step."))
@click.argument("file", type=click.Path())
@click.option("--name", help=tr("Name of the workflow; else the file's."))
@_to
@_machine
@_force
@_comment
@api_command
async def deploy(
    context: CommandContext,
    *,
    file: str,
    name: str | None,
    environment: str,
    machine: str | None,
    force: bool,
    comment: str,
) -> None:
    """Push a file and let an environment run it."""
    if not machine:
        await _check_machine_kept(context, name or Path(file).stem, environment)
    pushed = await push_file(context, file, name=name, ui=None, machine=machine, comment=comment)
    body = await _promotion(context, pushed["version"], machine, force=force, comment=comment)
    path = f"/v1/workflows/{pushed['workflow_id']}/deployments/{environment}"
    deployed = await context.api.put(path, body)
    if not context.json:
        print_pushed(context, pushed)
    _show(context, deployed)


@click.command(help=tr("Promote VERSION of the workflow NAME to an environment."))
@click.argument("name")
@click.argument("version", type=click.IntRange(1))
@_to
@_machine
@_force
@_comment
@api_command
async def promote(
    context: CommandContext,
    *,
    name: str,
    version: int,
    environment: str,
    machine: str | None,
    force: bool,
    comment: str,
) -> None:
    """Promote a version to an environment."""
    found = await find_workflow(context.api, name)
    if not machine:
        await _check_machine_kept(context, found["name"], environment)
    workflow_id = found["id"]
    body = await _promotion(context, version, machine, force=force, comment=comment)
    path = f"/v1/workflows/{workflow_id}/deployments/{environment}"
    _show(context, await context.api.put(path, body))


@click.command(
    help=tr("Roll back DEPLOYMENT (id, WORKFLOW or WORKFLOW/ENVIRONMENT) to an earlier version.")
)
@click.argument("deployment")
@click.option("--version", type=click.IntRange(1), help=tr("Which earlier version."))
@_comment
@api_command
async def rollback(
    context: CommandContext, deployment: str, version: int | None, comment: str
) -> None:
    """Go back to what ran before."""
    found = await find_deployment(context.api, deployment)
    body: Json = {"comment": comment} | ({"version": version} if version else {})
    _show(context, await context.api.post(f"/v1/deployments/{found['id']}/rollback", body))


@click.command(help=tr("List deployments, or the history of one."))
@click.argument("deployment", required=False)
@api_command
async def deployments(context: CommandContext, deployment: str | None) -> None:
    """List deployments, or the history of one."""
    if deployment:
        await _show_history(context, deployment)
        return
    found = await context.api.items("/v1/deployments")
    context.show(
        found,
        lambda: print_table(
            context.console,
            ("id", "workflow", "environment", "version", "promoted"),
            (
                (
                    d["id"],
                    d["workflow_name"],
                    d["environment"],
                    d["version"],
                    format_day(d["promoted_at"]),
                )
                for d in found
            ),
            empty=tr("no deployments yet"),
        ),
    )


async def _show_history(context: CommandContext, deployment: str) -> None:
    found = await find_deployment(context.api, deployment)
    entries = await context.api.items(f"/v1/deployments/{found['id']}/history")
    context.show(
        entries,
        lambda: print_table(
            context.console,
            ("at", "action", "version", "by", "comment"),
            (
                (format_time(e["at"]), e["action"], e["version"], e["by"], e["comment"])
                for e in entries
            ),
            empty=tr("nothing yet"),
        ),
    )


async def _check_machine_kept(context: CommandContext, workflow: str, environment: str) -> None:
    """Check that a deployment is there whose machine is kept, before anything is pushed.

    Raises:
        CommandError: there is none, so --machine is needed.

    """
    for pause in LOOKS:
        await asyncio.sleep(pause)
        for found in await context.api.items("/v1/deployments", environment=environment):
            if found["workflow_name"] == workflow:
                return
    names = [found["name"] for found in await context.api.items("/v1/machines")]
    if not names:
        raise CommandError("cli.no_machines", code=REFUSED)
    raise CommandError(
        "cli.machine_missing",
        code=REFUSED,
        name=workflow,
        environment=environment,
        choices=", ".join(f"--machine {shlex.quote(name)}" for name in names),
    )


async def _promotion(
    context: CommandContext, version: int, machine: str | None, *, force: bool, comment: str
) -> Json:
    body: Json = {"version": version, "force": force, "comment": comment}
    if machine:
        body["machine_id"] = (await find_machine(context.api, machine))["id"]
    return body


def _show(context: CommandContext, deployed: Json) -> None:
    def human() -> None:
        context.say(
            "{name}/{environment} runs version {version}: deployment {id}",
            name=deployed["workflow_name"],
            environment=deployed["environment"],
            version=deployed["version"],
            id=deployed["id"],
        )
        for warning in deployed.get("warnings") or []:
            context.console.print(f"! {warning['detail']}", style="yellow")

    context.show(deployed, human)
