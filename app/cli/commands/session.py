"""comfyd login, logout, whoami: which server the commands talk to, and as whom."""

import sys

import click

from app.cli.client.command_context import CommandContext, api_command, run_command
from app.cli.client.login import (
    KEY_VARIABLE,
    URL_VARIABLE,
    Login,
    find_login,
    forget_login,
    save_login,
)
from app.cli.output.tables import print_fields
from app.cli.texts import message, tr

WHO = "/v1/me"


@click.command(help=tr("Log in to a server: check an API key and store it for later commands."))
@click.argument("url", envvar=URL_VARIABLE)
@click.option(
    "--key",
    envvar=KEY_VARIABLE,
    prompt=tr("API key"),
    hide_input=True,
    help=tr("API key; asked for when it is missing."),
)
@click.option("--json", "as_json", is_flag=True, help=tr("Print JSON, as the API returns it."))
def login(url: str, key: str, *, as_json: bool) -> None:
    """Try a key, and keep it if the server takes it."""

    async def tried(context: CommandContext) -> None:
        who = await context.api.get(WHO)
        # Asked for before anything is kept: another site does not know.
        tenant = who["tenant"]
        file = save_login(Login(url=url.rstrip("/"), key=key))
        context.show(
            who,
            lambda: context.say(
                "logged in to {url} as {who}; kept in {file}", url=url, who=tenant, file=file
            ),
        )

    sys.exit(run_command(lambda: find_login(url, key), tried, as_json=as_json))


@click.command(help=tr("Delete the stored login."))
def logout() -> None:
    """Forget the login."""
    click.echo(message("cli.logged_out" if forget_login() else "cli.not_logged_in"))


@click.command(help=tr("Show who you are logged in as."))
@api_command
async def whoami(context: CommandContext) -> None:
    """Show the caller as the server sees it."""
    who = await context.api.get(WHO)
    fields = {"tenant": who["tenant"], **who}
    context.show(who, lambda: print_fields(context.console, fields))
