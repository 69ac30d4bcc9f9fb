"""comfyd analyst: the NATS address of those who may read the log and do nothing else."""

from urllib.parse import urlsplit, urlunsplit

import click

from app.cli.local.up import refuse
from app.cli.local_settings import chosen_data, remembered_settings
from app.cli.texts import tr
from infra.embedded.nats_server import analyst_password
from infra.jetstream.analyst import ACCOUNTS, USER


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
        refuse(
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
