"""comfyd: the command line."""

import click

from app.cli.commands import API_COMMANDS, LOCAL_COMMANDS
from app.cli.localised import localise
from app.cli.sections import SectionedGroup
from app.cli.texts import message, tr


@click.group(
    cls=SectionedGroup,
    help=message("help.main"),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(
    package_name="comfyd", message="comfyd %(version)s", help=tr("Show the version and exit.")
)
def main() -> None:
    """Hold the commands."""


for command in (*API_COMMANDS, *LOCAL_COMMANDS):
    main.add_command(command)
localise(main)
