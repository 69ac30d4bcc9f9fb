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
from infra.jetstream.errors import ApiError, SignInRefused, Unanswered, Unreachable
from infra.jetstream.log.reader import LogInterrupted
from infra.masking import masker
from infra.postgres import PostgresError, PostgresSignInRefused, PostgresUnreachable
from infra.settings.invalid import SettingsInvalid
from infra.settings.secret import secret_values
from infra.settings.settings import Settings, settings_from
from infra.translation import translate
from projections.schema import RebuildRunning

T = TypeVar("T")

REACH_WITHIN = 10.0
"""Seconds that NATS may take to let an operator's command in; long-running processes wait."""

WRONG_USAGE = 2
NO_ACCESS = 3
SERVER_AWAY = 6
"""Exit codes of the command line (docs/cli.md)."""

AWAY = (LogInterrupted, Unanswered, ApiError, TimeoutError, ConnectionError)
"""Errors of a NATS that has stopped answering."""

WORDS: Texts = {
    "unreachable": (
        "{server} at {address} cannot be reached ({reason}): start it, or correct {setting}"
    ),
    "no_access": (
        "{server} at {address} refuses the sign-in ({reason}): correct the user and the password "
        "in {setting}"
    ),
    "rebuilding": "another rebuild is running; wait until it has ended",
    "interrupted": ("NATS or Postgres stopped answering ({reason}); run it again when both answer"),
}


def language() -> str:
    """Return the reader's language: en or zh."""
    return language_of_locale(os.environ)


@contextmanager
def refusals() -> Iterator[None]:
    """Exit with one sentence when what the block needs does not answer to its end.

    The code is 6 for a server that is away, 3 for a wrong password, 2 for a rebuild that runs.
    """
    try:
        with unreachable_servers():
            yield
    except RebuildRunning:
        refuse(translate(WORDS["rebuilding"], language()))
    except (*AWAY, PostgresError) as error:
        params = {"reason": _reason(error)}
        refuse(translate(WORDS["interrupted"], language(), params), code=SERVER_AWAY)


@contextmanager
def unreachable_servers() -> Iterator[None]:
    """Exit with one sentence that names the server which the block cannot connect to."""
    try:
        yield
    except Unreachable as error:
        _refuse_server("unreachable", "NATS", error, code=SERVER_AWAY)
    except SignInRefused as error:
        _refuse_server("no_access", "NATS", error, code=NO_ACCESS)
    except PostgresUnreachable as error:
        _refuse_server("unreachable", "Postgres", error, code=SERVER_AWAY)
    except PostgresSignInRefused as error:
        _refuse_server("no_access", "Postgres", error, code=NO_ACCESS)


def _refuse_server(key: str, server: str, error: Exception, *, code: int) -> NoReturn:
    setting = f"{server.upper()}_URL"
    address = ", ".join(map(_address, os.environ.get(setting, "").split(",")))
    params = {"server": server, "setting": setting, "address": address, "reason": _reason(error)}
    refuse(translate(WORDS[key], language(), params), code=code)


def _address(url: str) -> str:
    """Return where a URL leads, without user and password."""
    return url.rpartition("@")[2].partition("?")[0]


def _reason(error: Exception) -> str:
    """Return an error in one line, without a secret in it."""
    return masker(secret_values(os.environ))(" ".join(str(error).split()) or repr(error))


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


def refuse(message: str, *, code: int = WRONG_USAGE) -> NoReturn:
    """Print why nothing is done, and exit with that code."""
    click.echo(f"comfyd: {message}", err=True)
    sys.exit(code)
