"""comfyd keys: API keys, shown once and revocable at any time."""

from typing import Any

import click

from app.auth.scopes import SCOPES
from app.cli.remote.door import Door, remote
from app.cli.remote.names import Id, deployment_named
from app.cli.remote.tables import day, print_table
from app.cli.words import word

Json = dict[str, Any]


@click.group(help=word("help.keys"))
def keys() -> None:
    """Hold the commands."""


@keys.command(help=word("help.keys_create"))
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(sorted(SCOPES)),
    help=word("help.scope"),
)
@click.option("--deployment", "deployments", multiple=True, help=word("help.keys_deployment"))
@click.option("--expires", "expires_at", metavar="TIME", help=word("help.expires"))
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
        click.echo(word("cli.key_once"), err=True)

    door.show(issued, human)


@keys.command("list", help=word("help.keys_list"))
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
            empty=word("cli.no_keys"),
        ),
    )


@keys.command(help=word("help.keys_revoke"))
@click.argument("key_ids", nargs=-1, required=True, type=Id())
@remote
async def revoke(door: Door, key_ids: tuple[str, ...]) -> None:
    """Revoke keys: every process refuses them within a second."""
    for key_id in key_ids:
        await door.api.delete(f"/v1/keys/{key_id}")
        door.say("cli.key_revoked", key_id=key_id)


def _state(key: Json) -> str:
    if key["revoked_at"]:
        return word("cli.revoked", day=day(key["revoked_at"]))
    if key["expires_at"]:
        return word("cli.expires", day=day(key["expires_at"]))
    return "active"
