"""Options that several commands have in common."""

import click

from app.cli.texts import tr

input_option = click.option(
    "-i",
    "--input",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help=tr("NAME=TEXT, NAME=@PICTURE or NAME:=JSON; may be repeated."),
)
watch_option = click.option(
    "--watch/--no-watch", default=False, help=tr("Stay until the end, with a progress bar.")
)
preview_option = click.option(
    "--preview/--no-preview", default=True, help=tr("Show images in the terminal.")
)
idempotency_option = click.option(
    "--idempotency-key", metavar="KEY", help=tr("The same key again is the same run.")
)
