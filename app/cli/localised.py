"""Chinese for click: its own texts come from a gettext catalogue, the rest stands here."""

import gettext
from collections.abc import Iterator
from importlib.resources import files

import click

from app.cli.texts import language
from events.messages.texts import Terms
from infra.translation import translate, translate_term

_TYPES: Terms = ("text", "integer", "integer range", "path")
"""What kinds of values are called in refusals. In the place of a value, as NAME and URL are, stays
the Latin word: click counts characters, and columns with wide ones would not stand straight."""


def use_catalogue() -> None:
    """Install click's message catalogue; call it before any command is made."""
    if language() == "zh":
        gettext.bindtextdomain("click", str(files("app") / "locale"))
        gettext.textdomain("click")


def localise(main: click.Group) -> None:
    """Translate what click has in no catalogue: how a line is put together."""
    if language() != "zh":
        return
    commands = list(commands_of(main))
    for command in commands:
        command.options_metavar = translate("[OPTIONS]", language())
        if isinstance(command, click.Group):
            command.subcommand_metavar = translate("COMMAND [ARGS]...", language())
    parameters = [parameter for command in commands for parameter in command.params]
    for parameter in parameters:
        _keep_placeholder(parameter)
    # Only now: many parameters share one type.
    for parameter in parameters:
        if parameter.type.name in _TYPES:
            parameter.type.name = translate_term(parameter.type.name, language())


def _keep_placeholder(parameter: click.Parameter) -> None:
    # click has already put its own word for a path through the catalogue.
    name = "path" if isinstance(parameter.type, click.Path) else parameter.type.name
    if name in _TYPES and isinstance(parameter, click.Option) and not parameter.is_flag:
        parameter.metavar = parameter.metavar or name.partition(" ")[0].upper()


def commands_of(command: click.Command) -> Iterator[click.Command]:
    """Yield a command and all below it."""
    yield command
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        yield from commands_of(below)
