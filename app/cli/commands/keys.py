"""comfyd keys: API keys, shown once and revocable at any time."""

from typing import Any

import click

from app.auth.scopes import SCOPES
from app.cli.client.command_context import Door, remote
from app.cli.client.lookup import Id, deployment_named
from app.cli.output.tables import day, print_table
from app.cli.texts import tr

Json = dict[str, Any]


@click.group(help=tr("API keys."))
def keys() -> None:
    """Hold the commands."""


@keys.command(help=tr("Issue a key; it is shown once."))
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(sorted(SCOPES)),
    help=tr("What it may do; may be repeated."),
)
@click.option(
    "--deployment",
    "deployments",
    multiple=True,
    help=tr("Only for this deployment; may be repeated."),
)
@click.option("--expires", "expires_at", metavar="TIME", help=tr("When it ends (RFC 3339)."))
@remote
async def create(
    door: Door,
    name: str,
    scopes: tuple[str, ...],
    deployments: tuple[str, ...],
    expires_at: str | None,
) -> None:
    """Issue a key."""
    body: Json = {"name": name, "scopes": list(scopes)}
    if deployments:
        body["deployments"] = [(await deployment_named(door.api, d))["id"] for d in deployments]
    if expires_at:
        body["expires_at"] = expires_at
    issued = await door.api.post("/v1/keys", body)

    def human() -> None:
        door.console.print(issued["key"], soft_wrap=True)
        click.echo(tr("save it now: it is not shown again"), err=True)

    door.show(issued, human)


@keys.command("list", help=tr("List keys."))
@remote
async def list_(door: Door) -> None:
    """List keys."""
    found = await door.api.items("/v1/keys")
    door.show(
        found,
        lambda: print_table(
            door.console,
            ("id", "name", "prefix", "scopes", "last used", "state"),
            (
                (
                    k["id"],
                    k["name"],
                    k["prefix"],
                    "\n".join(k["scopes"]),
                    day(k["last_used_at"]),
                    _state(k),
                )
                for k in found
            ),
            empty=tr("no keys yet"),
        ),
    )


@keys.command(help=tr("Revoke keys: every process refuses them within a second."))
@click.argument("key_ids", nargs=-1, required=True, type=Id())
@remote
async def revoke(door: Door, key_ids: tuple[str, ...]) -> None:
    """Revoke keys: every process refuses them within a second."""
    for key_id in key_ids:
        await door.api.delete(f"/v1/keys/{key_id}")
        door.say("revoked {key_id}", key_id=key_id)


def _state(key: Json) -> str:
    if key["revoked_at"]:
        return tr("revoked {day}", day=day(key["revoked_at"]))
    if key["expires_at"]:
        return tr("until {day}", day=day(key["expires_at"]))
    return "active"
