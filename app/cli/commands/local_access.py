"""comfyd token, sign-in, analyst: access to the stack whose data folder is here."""

import os
from urllib.parse import urlsplit, urlunsplit

import click

from app.auth.tokens import Tokens
from app.cli.client.login import LOCAL_USER
from app.cli.errors import exit_with_error
from app.cli.local.sign_in import pages_address, sign_in_address
from app.cli.local_settings import (
    chosen_data,
    kept_settings,
    local_secret,
    remembered_settings,
)
from app.cli.texts import tr
from infra.embedded.nats_server import analyst_password
from infra.jetstream.analyst import ACCOUNTS, USER


@click.command(
    help=tr("Print an API token for the local owner. Without --days it does not expire.")
)
@click.option("--user", default=LOCAL_USER, show_default=True, help=tr("Claim user_id."))
@click.option("--org", default=None, help=tr("Claim org_id: act for an organisation."))
@click.option("--days", type=click.IntRange(1), default=None, help=tr("Days until it expires."))
def token(user: str, org: str | None, days: int | None) -> None:
    """Print an API token for the local owner. Without --days it does not expire."""
    seconds = days * 86_400 if days else None
    click.echo(Tokens(local_secret_or_exit()).issue(user_id=user, org_id=org, seconds=seconds))


@click.command(
    "sign-in",
    help=tr(
        "Print a link that signs a browser in to the pages: once, within 10 minutes. "
        "COMFYD_PUBLIC_URL sets its host."
    ),
)
@click.option("--user", default=LOCAL_USER, show_default=True, help=tr("Whom it signs in."))
@click.option("--org", default=None, help=tr("The organisation they act for."))
def sign_in(user: str, org: str | None) -> None:
    """Print a link that signs a browser in to the pages."""
    base = pages_address(kept_settings(chosen_data()))
    click.echo(sign_in_address(local_secret_or_exit(), base, user=user, org=org))


def local_secret_or_exit() -> str:
    """Return the secret that signs tokens here; exit if there is none yet."""
    folder = chosen_data()
    if not (os.environ.get("JWT_SECRET") or (folder / "jwt-secret").exists()):
        exit_with_error(
            tr(
                "there is no data in {folder} yet: run `make up` first, or set JWT_SECRET",
                folder=folder,
            )
        )
    return local_secret(folder)


@click.command(help=tr("Print a NATS address that can only read the event log."))
@click.option(
    "--config",
    is_flag=True,
    help=tr("Print the configuration that a NATS of your own needs for it."),
)
def analyst(*, config: bool) -> None:
    """Print the address, or what a NATS of one's own needs in its configuration."""
    click.echo(f"accounts {{\n{ACCOUNTS}}}" if config else _address())


def _address() -> str:
    folder = chosen_data() / "nats"
    url = urlsplit(remembered_settings().get("NATS_URL", ""))
    password = folder / "password"
    if not password.exists() or url.password != password.read_text("ascii"):
        # There is none, or the stack has a NATS of its owner's.
        exit_with_error(
            tr(
                (
                    "no NATS of `comfyd up` in {folder}: set COMFYD_DATA to its data folder; a "
                    "NATS of your own gets its analyst by `comfyd analyst --config`"
                ),
                folder=chosen_data(),
            )
        )
    address = f"{USER}:{analyst_password(folder)}@{url.hostname}:{url.port}"
    return urlunsplit((url.scheme, address, "", "", ""))
