"""comfyd completion: prints what a shell needs to complete our commands."""

import click
from click.shell_completion import get_completion_class

from app.cli.texts import tr

VARIABLE = "_COMFYD_COMPLETE"
"""Click's own name for it: the shell asks the command itself through this variable."""


@click.command(help=tr("Print the completion for a shell: bash, zsh or fish."))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script."""
    found = get_completion_class(shell)
    assert found is not None  # click knows all three
    click.echo(found(context.find_root().command, {}, "comfyd", VARIABLE).source())
