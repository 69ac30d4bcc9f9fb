"""What the commands of this package share: settings, the event loop, and how one is refused."""

import asyncio
import os
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import click
import uvloop

from events.messages.texts import Texts, language_of_locale
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.log.reader import LogInterrupted
from infra.postgres import PostgresError
from infra.settings.invalid import SettingsInvalid
from infra.settings.settings import Settings, settings_from
from infra.translation import translate
from projections.schema import RebuildRunning

T = TypeVar("T")

AWAY = (LogInterrupted, Unanswered, ApiError, TimeoutError, ConnectionError)
"""Errors of a NATS that has stopped answering."""

WORDS: Texts = {
    "rebuilding": "another rebuild is running; wait until it has ended",
    "interrupted": ("NATS or Postgres stopped answering ({reason}); run it again when both answer"),
}


def language() -> str:
    """Return the reader's language: en or zh."""
    return language_of_locale(os.environ)


@contextmanager
def refusals() -> Iterator[None]:
    """Exit with code 2 and one sentence when what the block needs does not answer to its end."""
    try:
        yield
    except RebuildRunning:
        refuse(translate(WORDS["rebuilding"], language()))
    except (*AWAY, PostgresError) as error:
        reason = " ".join(str(error).split()) or repr(error)
        refuse(translate(WORDS["interrupted"], language(), {"reason": reason}))


def settings_or_exit() -> Settings:
    """Return the settings of the environment; exit with code 2 if one is wrong."""
    try:
        return settings_from(os.environ)
    except SettingsInvalid as error:
        refuse(error.text(language()))


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)


def refuse(message: str) -> NoReturn:
    """Print why nothing is done, and exit with code 2."""
    click.echo(f"comfyd: {message}", err=True)
    sys.exit(2)
