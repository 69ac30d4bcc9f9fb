"""comfyd keys: API keys, shown once and revocable at any time."""

import click

from app.auth.scopes import SCOPES
from app.cli.client.api_client import Json
from app.cli.client.command_context import CommandContext, api_command
from app.cli.client.lookup import Id, find_deployment
from app.cli.output.tables import format_day, print_table
from app.cli.texts import tr


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
@api_command
async def create(
    context: CommandContext,
    name: str,
    scopes: tuple[str, ...],
    deployments: tuple[str, ...],
    expires_at: str | None,
) -> None:
    """Issue a key."""
    body: Json = {"name": name, "scopes": list(scopes)}
    if deployments:
        body["deployments"] = [(await find_deployment(context.api, d))["id"] for d in deployments]
    if expires_at:
        body["expires_at"] = expires_at
    issued = await context.api.post("/v1/keys", body)

    def human() -> None:
        context.console.print(issued["key"], soft_wrap=True)
        click.echo(tr("save it now: it is not shown again"), err=True)

    context.show(issued, human)


@keys.command("list", help=tr("List keys."))
@api_command
async def list_(context: CommandContext) -> None:
    """List keys."""
    found = await context.api.items("/v1/keys")
    context.show(
        found,
        lambda: print_table(
            context.console,
            ("id", "name", "prefix", "scopes", "last used", "state"),
            (
                (
                    k["id"],
                    k["name"],
                    k["prefix"],
                    "\n".join(k["scopes"]),
                    format_day(k["last_used_at"]),
                    _state(k),
                )
                for k in found
            ),
            empty=tr("no keys yet"),
        ),
    )


@keys.command(help=tr("Revoke keys: every process refuses them within a second."))
@click.argument("key_ids", nargs=-1, required=True, type=Id())
@api_command
async def revoke(context: CommandContext, key_ids: tuple[str, ...]) -> None:
    """Revoke keys: every process refuses them within a second."""
    for key_id in key_ids:
        await context.api.delete(f"/v1/keys/{key_id}")
        context.say("revoked {key_id}", key_id=key_id)


def _state(key: Json) -> str:
    if key["revoked_at"]:
        return tr("revoked {day}", day=format_day(key["revoked_at"]))
    if key["expires_at"]:
        return tr("until {day}", day=format_day(key["expires_at"]))
    return "active"
