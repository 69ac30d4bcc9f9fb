"""comfyd deploy, promote, rollback, deployments: which version an environment runs."""

from typing import Any

import click

from app.cli.client.command_context import Door, remote
from app.cli.client.lookup import (
    DEFAULT_ENVIRONMENT,
    deployment_named,
    machine_named,
    workflow_named,
)
from app.cli.commands.workflows import push_file, say_pushed
from app.cli.output.tables import day, moment, print_table
from app.cli.texts import tr

Json = dict[str, Any]

_to = click.option(
    "--to",
    "environment",
    default=DEFAULT_ENVIRONMENT,
    show_default=True,
    help=tr("production, staging or public-share."),
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
@remote
async def deploy(
    door: Door,
    *,
    file: str,
    name: str | None,
    environment: str,
    machine: str | None,
    force: bool,
    comment: str,
) -> None:
    """Push a file and let an environment run it."""
    pushed = await push_file(door, file, name=name, ui=None, machine=machine, comment=comment)
    body = await _promotion(door, pushed["version"], machine, force=force, comment=comment)
    path = f"/v1/workflows/{pushed['workflow_id']}/deployments/{environment}"
    deployed = await door.api.put(path, body)
    if not door.json:
        say_pushed(door, pushed)
    _show(door, deployed)


@click.command(help=tr("Promote VERSION of the workflow NAME to an environment."))
@click.argument("name")
@click.argument("version", type=click.IntRange(1))
@_to
@_machine
@_force
@_comment
@remote
async def promote(
    door: Door,
    *,
    name: str,
    version: int,
    environment: str,
    machine: str | None,
    force: bool,
    comment: str,
) -> None:
    """Promote a version to an environment."""
    workflow_id = (await workflow_named(door.api, name))["id"]
    body = await _promotion(door, version, machine, force=force, comment=comment)
    path = f"/v1/workflows/{workflow_id}/deployments/{environment}"
    _show(door, await door.api.put(path, body))


@click.command(
    help=tr("Roll back DEPLOYMENT (id, WORKFLOW or WORKFLOW/ENVIRONMENT) to an earlier version.")
)
@click.argument("deployment")
@click.option("--version", type=click.IntRange(1), help=tr("Which earlier version."))
@_comment
@remote
async def rollback(door: Door, deployment: str, version: int | None, comment: str) -> None:
    """Go back to what ran before."""
    found = await deployment_named(door.api, deployment)
    body: Json = {"comment": comment} | ({"version": version} if version else {})
    _show(door, await door.api.post(f"/v1/deployments/{found['id']}/rollback", body))


@click.command(help=tr("List deployments, or the history of one."))
@click.argument("deployment", required=False)
@remote
async def deployments(door: Door, deployment: str | None) -> None:
    """List deployments, or the history of one."""
    if deployment:
        await _show_history(door, deployment)
        return
    found = await door.api.items("/v1/deployments")
    door.show(
        found,
        lambda: print_table(
            door.console,
            ("id", "workflow", "environment", "version", "promoted"),
            (
                (
                    d["id"],
                    d["workflow_name"],
                    d["environment"],
                    d["version"],
                    day(d["promoted_at"]),
                )
                for d in found
            ),
            empty=tr("no deployments yet"),
        ),
    )


async def _show_history(door: Door, deployment: str) -> None:
    found = await deployment_named(door.api, deployment)
    entries = await door.api.items(f"/v1/deployments/{found['id']}/history")
    door.show(
        entries,
        lambda: print_table(
            door.console,
            ("at", "action", "version", "by", "comment"),
            ((moment(e["at"]), e["action"], e["version"], e["by"], e["comment"]) for e in entries),
            empty=tr("nothing yet"),
        ),
    )


async def _promotion(
    door: Door, version: int, machine: str | None, *, force: bool, comment: str
) -> Json:
    body: Json = {"version": version, "force": force, "comment": comment}
    if machine:
        body["machine_id"] = (await machine_named(door.api, machine))["id"]
    return body


def _show(door: Door, deployed: Json) -> None:
    def human() -> None:
        door.say(
            "{name}/{environment} runs version {version}: deployment {id}",
            name=deployed["workflow_name"],
            environment=deployed["environment"],
            version=deployed["version"],
            id=deployed["id"],
        )
        for warning in deployed.get("warnings") or []:
            door.console.print(f"! {warning['detail']}", style="yellow")

    door.show(deployed, human)
