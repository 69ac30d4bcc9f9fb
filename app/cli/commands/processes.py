"""comfyd api, worker, projector, projections, thumbnails, migrate, …: run by other modules."""

import os
import sys
from collections.abc import Mapping

import click

from app.cli.local_settings import remembered_settings
from app.cli.texts import tr
from infra.jetstream.streams.plan import LOWERABLE


@click.command(help=tr("Serve the API. Start as many as you like behind a load balancer."))
def api() -> None:
    """Serve the API. Start as many as you like behind a load balancer."""
    _become("app")


@click.command(
    help=tr(
        "Bring runs to their machines and outputs to object storage. Start as many as you like."
    )
)
def worker() -> None:
    """Bring runs to their machines and outputs to object storage. Start as many as you like."""
    _become("consumers", "worker")


@click.command(help=tr("Keep the read models up to date with the log. A second one is a standby."))
def projector() -> None:
    """Keep the read models up with the log. A second one stands by without harm."""
    _become("consumers", "projector")


@click.group(
    help=tr("Maintain the read models: rebuild, status. Finds a running `comfyd up` by itself.")
)
def projections() -> None:
    """Hold the commands that look after the read models."""


@projections.command(
    help=tr("Replay the log into new tables, compare them with the live ones, and swap them in.")
)
def rebuild() -> None:
    """Replay the log into new tables, compare them with the live ones, and swap them in."""
    _become("consumers", "projections", "rebuild", env=remembered_settings())


@projections.command(
    help=tr("Show how far the read models are, and which aggregates are in quarantine.")
)
def status() -> None:
    """Show how far the read models are, and which aggregates are in quarantine."""
    _become("consumers", "projections", "status", env=remembered_settings())


@click.command(
    help=tr(
        "Have workers make the thumbnails that are missing, of all runs: lost ones, and those of "
        "runs from before there were any. Finds a running `comfyd up` by itself."
    )
)
def thumbnails() -> None:
    """Have workers make the thumbnails that are missing, of all runs."""
    _become("consumers", "thumbnails", env=remembered_settings())


@click.command(help=tr("Create the streams and tables, or bring them up to date."))
@click.option(
    "--replicas",
    type=click.Choice(["1", "3", "5"]),
    help=tr(
        "Copies of each stream. Else COMFYD_REPLICAS counts; without both they stay as they are."
    ),
)
@click.option(
    "--lower",
    type=click.Choice(LOWERABLE),
    multiple=True,
    help=tr("A setting of streams that may be lowered: fewer copies, or less that is kept."),
)
@click.option(
    "--dry-run",
    is_flag=True,
    help=tr("Show what would change, and change nothing. Exit code 1: something would."),
)
def migrate(*, replicas: str | None, lower: tuple[str, ...], dry_run: bool) -> None:
    """Create the streams and tables, or bring them up to date."""
    arguments = ["--replicas", replicas] if replicas else []
    arguments += [part for field in lower for part in ("--lower", field)]
    arguments += ["--dry-run"] if dry_run else []
    _become("consumers", "migrate", *arguments, env=remembered_settings())


@click.command(
    help=tr("Write the log and the private data beside it into FOLDER, while everything runs.")
)
@click.argument("folder", type=click.Path(file_okay=False))
def backup(folder: str) -> None:
    """Write the log and the private data beside it into a folder."""
    _become("consumers", "backup", folder, env=remembered_settings())


@click.command(
    help=tr(
        "Restore the log and the private data from the backup in FOLDER. Stop everything first."
    )
)
@click.argument("folder", type=click.Path(file_okay=False, exists=True))
@click.option(
    "--replicas",
    type=click.Choice(["1", "3", "5"]),
    help=tr(
        "Copies of each stream. Else COMFYD_REPLICAS counts; without both 3 in a cluster, else 1."
    ),
)
@click.option(
    "--replace",
    is_flag=True,
    help=tr("Delete the streams that are there first, with all they hold."),
)
@click.option(
    "--only-erase",
    is_flag=True,
    help=tr("Restore nothing; delete again what the log says is erased."),
)
def restore(*, folder: str, replicas: str | None, replace: bool, only_erase: bool) -> None:
    """Make the streams anew from a backup."""
    options = (
        *(("--replicas", replicas) if replicas else ()),
        *(("--replace",) if replace else ()),
        *(("--only-erase",) if only_erase else ()),
    )
    _become("consumers", "restore", folder, *options, env=remembered_settings())


def _become(module: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    """Go on as another part of comfyd, in this very process; *env* fills what is not set."""
    command = [sys.executable, "-P", "-m", module, *arguments]
    variables = {**(env or {}), **os.environ, "_COMFYD_PROGRAM": "comfyd"}
    os.execve(sys.executable, command, variables)  # noqa: S606 -- ourselves
