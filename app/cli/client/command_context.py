"""What every remote command shares: the options, the connection, and how a failure ends it.

Exit codes: 0 done · 1 the run did not succeed · 2 wrong usage · 3 no access · 4 not found ·
5 refused · 6 the server is away or busy · 130 interrupted (docs/cli.md).
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec

import click
import httpx
import msgspec
from msgspec import Struct
from rich.console import Console

from app.cli.client.api_client import ApiClient, NotComfyd
from app.cli.client.login import KEY_VARIABLE, URL_VARIABLE, Login, NotLoggedIn, find_login
from app.cli.errors import reason_of
from app.cli.terminal import console_for_people, json_text, plain
from app.cli.texts import language, message, tr
from infra.embedded.ports import LOOPBACK

P = ParamSpec("P")

NOT_SUCCESSFUL = 1
WRONG_USAGE = 2
NO_ACCESS = 3
NOT_FOUND = 4
REFUSED = 5
AWAY = 6

ANSWER_WITHIN = 60.0
"""Seconds an answer may take."""


class Door(Struct, frozen=True, kw_only=True):
    """The server, and the way to show what it says."""

    api: ApiClient
    console: Console
    json: bool

    def show(self, answer: object, human: Callable[[], None]) -> None:
        """Print an answer: as it came with --json, else for people."""
        if self.json:
            click.echo(json_text(answer, indent=2))
        else:
            human()

    def say(self, text: str, /, *, style: str | None = None, **params: object) -> None:
        """Print a message for people; with --json nothing is printed."""
        if not self.json:
            self.console.print(tr(text, **params), style=style, soft_wrap=True)


class Refused(Exception):
    """The command cannot go on; the words say why and what to do."""

    def __init__(self, key: str, /, *, code: int = WRONG_USAGE, **params: object) -> None:
        self.code = code
        self.name = key.removeprefix("cli.")
        """What programs compare; stable, as the codes of the API are (docs/cli.md)."""

        super().__init__(message(key, **params))


def remote(body: Callable[Concatenate[Door, P], Awaitable[int | None]]) -> Callable[P, None]:
    """Make a command of *body*: it gets the door first and gives its exit code, None for 0."""

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
        def entered(door: Door) -> Awaitable[int | None]:
            return body(door, *args, **kwargs)

        sys.exit(enter(partial(find_login, server, key), entered, as_json=as_json))

    return command  # type: ignore[return-value]  # the options come from the command line


def enter(
    find: Callable[[], Login], body: Callable[[Door], Awaitable[int | None]], *, as_json: bool
) -> int:
    """Do *body* at the server that *find* names; give the exit code, whatever goes wrong."""
    console = console_for_people()

    async def connected() -> int:
        login = find()
        if not (login.key.isascii() and login.key.isprintable()):
            raise Refused("cli.bad_key", code=NO_ACCESS)
        headers = {"Authorization": f"Bearer {login.key}", "Accept-Language": language()}
        # No proxy leads to a server on this very machine.
        outside = httpx.URL(login.url).host not in {LOOPBACK, "localhost"}
        async with httpx.AsyncClient(
            base_url=login.url, headers=headers, timeout=ANSWER_WITHIN, trust_env=outside
        ) as http:
            return await body(Door(api=ApiClient(http), console=console, json=as_json)) or 0

    try:
        return asyncio.run(connected())
    except KeyboardInterrupt:
        return 130
    except httpx.HTTPStatusError as error:
        return _answer(error.response, as_json=as_json)
    except (Refused, NotLoggedIn, NotComfyd, httpx.InvalidURL, httpx.HTTPError) as error:
        refused = _refused(error)
        _tell({"title": str(refused), "code": refused.name}, str(refused), as_json=as_json)
        return refused.code


def _refused(error: Exception) -> Refused:
    """Translate an error that no server has described."""
    match error:
        case Refused():
            return error
        case NotLoggedIn():
            return Refused("cli.no_login", code=NO_ACCESS)
        case NotComfyd():
            return Refused("cli.not_comfyd", url=error.url, found=error.found)
        case httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return Refused("cli.bad_url", reason=error)
        case httpx.RequestError():
            url = str(error.request.url.copy_with(path="/", query=None)).rstrip("/")
            return Refused("cli.away", code=AWAY, url=url, reason=reason_of(error))
        case _:
            raise error


def _tell(problem: dict[str, Any], words: str, *, as_json: bool) -> None:
    click.echo(json_text(problem) if as_json else f"comfyd: {plain(words)}", err=True)


def _answer(response: httpx.Response, *, as_json: bool) -> int:
    """Print the server's problem document, which is in the caller's language."""
    _tell(_problem(response), words_of(response), as_json=as_json)
    return exit_code(response.status_code)


class _Fault(Struct, frozen=True):
    pointer: str = ""
    detail: str = ""


class _Problem(Struct, frozen=True):
    """The part of a problem document that is told; what another site writes fits it or not."""

    title: str
    code: str = ""
    detail: str | None = None
    errors: list[_Fault] = []


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return {"title": response.reason_phrase, "status": response.status_code}


def words_of(response: httpx.Response) -> str:
    """Return the words of a refusal, with what is wrong and where."""
    try:
        problem = msgspec.convert(_problem(response), _Problem)
    except msgspec.ValidationError:
        problem = _Problem(title=response.reason_phrase)
    lines = [f"{problem.title} ({problem.code or response.status_code})"]
    if problem.errors:
        lines += [f"  {fault.pointer or '·'}: {fault.detail}" for fault in problem.errors]
    elif problem.detail and problem.detail != problem.title:
        lines.append(f"  {problem.detail}")
    return "\n".join(lines)


def exit_code(status: int) -> int:
    """Return the exit code for an answer that is no success."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return NO_ACCESS
    if status == HTTPStatus.NOT_FOUND:
        return NOT_FOUND
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AWAY
    return REFUSED
