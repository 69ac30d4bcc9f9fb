"""What every command of the API shares: its options, the connection, and how a failure ends it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec

import click
import httpx
from msgspec import Struct
from rich.console import Console

from app.cli.client.api_client import ApiClient, NotComfyd
from app.cli.client.login import KEY_VARIABLE, URL_VARIABLE, Login, NotLoggedIn, find_login
from app.cli.errors import (
    AWAY,
    NO_ACCESS,
    CommandError,
    exit_code,
    problem_of,
    reason_of,
    refusal_text,
)
from app.cli.terminal import console_for_people, json_text, plain
from app.cli.texts import language, tr
from infra.embedded.ports import LOOPBACK

P = ParamSpec("P")

ANSWER_WITHIN = 60.0
"""Seconds an answer may take."""

INTERRUPTED = 130
"""Exit code of a command that was ended by Ctrl-C."""


class CommandContext(Struct, frozen=True, kw_only=True):
    """The connection to the server, and where its answers are printed."""

    api: ApiClient
    console: Console
    json: bool

    def show(self, answer: object, human: Callable[[], None]) -> None:
        """Print an answer: with --json as it came, else by *human*."""
        if self.json:
            click.echo(json_text(answer, indent=2))
        else:
            human()

    def say(self, text: str, /, *, style: str | None = None, **params: object) -> None:
        """Print a message; with --json nothing is printed."""
        if not self.json:
            self.console.print(tr(text, **params), style=style, soft_wrap=True)


def api_command(
    body: Callable[Concatenate[CommandContext, P], Awaitable[int | None]],
) -> Callable[P, None]:
    """Make a command of *body*, which gets the context first and returns the exit code or None."""

    @click.option(
        "--server",
        metavar="URL",
        envvar=URL_VARIABLE,
        help=tr("Which server, instead of the one logged in to."),
    )
    @click.option("--key", envvar=KEY_VARIABLE, help=tr("API key for it."))
    @click.option("--json", "as_json", is_flag=True, help=tr("Print JSON, as the API returns it."))
    @wraps(body)
    def command(
        server: str | None,
        key: str | None,
        as_json: bool,  # noqa: FBT001 -- a switch of the command line
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        def with_arguments(context: CommandContext) -> Awaitable[int | None]:
            return body(context, *args, **kwargs)

        sys.exit(run_command(partial(find_login, server, key), with_arguments, as_json=as_json))

    return command  # type: ignore[return-value]  # the options come from the command line


def run_command(
    find: Callable[[], Login],
    body: Callable[[CommandContext], Awaitable[int | None]],
    *,
    as_json: bool,
) -> int:
    """Run *body* with the login that *find* returns; return the exit code, whatever goes wrong."""
    try:
        return asyncio.run(_connect_and_run(find, body, as_json=as_json))
    except KeyboardInterrupt:
        return INTERRUPTED
    except httpx.HTTPStatusError as error:
        # The server's problem document is in the caller's language.
        response = error.response
        _print_error(problem_of(response), refusal_text(response), as_json=as_json)
        return exit_code(response.status_code)
    except (CommandError, NotLoggedIn, NotComfyd, httpx.InvalidURL, httpx.HTTPError) as error:
        failed = _command_error(error)
        _print_error({"title": str(failed), "code": failed.name}, str(failed), as_json=as_json)
        return failed.code


async def _connect_and_run(
    find: Callable[[], Login],
    body: Callable[[CommandContext], Awaitable[int | None]],
    *,
    as_json: bool,
) -> int:
    console = console_for_people()
    login = find()
    if not (login.key.isascii() and login.key.isprintable()):
        raise CommandError("cli.bad_key", code=NO_ACCESS)
    headers = {"Authorization": f"Bearer {login.key}", "Accept-Language": language()}
    # No proxy leads to a server on this very machine.
    outside = httpx.URL(login.url).host not in {LOOPBACK, "localhost"}
    async with httpx.AsyncClient(
        base_url=login.url, headers=headers, timeout=ANSWER_WITHIN, trust_env=outside
    ) as http:
        return await body(CommandContext(api=ApiClient(http), console=console, json=as_json)) or 0


def _command_error(error: Exception) -> CommandError:
    """Translate an error that no server has described."""
    match error:
        case CommandError():
            return error
        case NotLoggedIn():
            if error.url:
                return CommandError("cli.no_key", code=NO_ACCESS, url=error.url)
            return CommandError("cli.no_login", code=NO_ACCESS)
        case NotComfyd():
            return CommandError("cli.not_comfyd", url=error.url, found=error.found)
        case httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return CommandError("cli.bad_url", reason=error)
        case httpx.RequestError():
            url = str(error.request.url.copy_with(path="/", query=None)).rstrip("/")
            return CommandError("cli.away", code=AWAY, url=url, reason=reason_of(error))
        case _:
            raise error


def _print_error(problem: dict[str, Any], text: str, *, as_json: bool) -> None:
    click.echo(json_text(problem) if as_json else f"comfyd: {plain(text)}", err=True)
