"""Why a command failed, in the user's language, and the exit code for it.

Exit codes: 0 done · 1 the run did not succeed · 2 wrong usage · 3 no access · 4 not found ·
5 refused · 6 the server is away or busy · 130 interrupted (docs/cli.md).
"""

import errno
import json
import re
import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NoReturn

import click
import httpx
import msgspec
from msgspec import Struct

from app.cli.texts import message, tr

NOT_SUCCESSFUL = 1
WRONG_USAGE = 2
NO_ACCESS = 3
NOT_FOUND = 4
REFUSED = 5
AWAY = 6

_BY_NUMBER: Mapping[int | None, str] = {
    errno.ENOENT: "cli.reason_missing",
    errno.EACCES: "cli.reason_forbidden",
    errno.EISDIR: "cli.reason_folder",
}


class CommandError(Exception):
    """The command cannot go on; the message says why and what to do."""

    def __init__(self, key: str, /, *, code: int = WRONG_USAGE, **params: object) -> None:
        self.code = code
        self.name = key.removeprefix("cli.")
        """What programs compare; stable, as the codes of the API are (docs/cli.md)."""

        super().__init__(message(key, **params))


def exit_with_error(text: str) -> NoReturn:
    """End a command of this machine; *text* says why and what to do."""
    click.echo(f"comfyd: {text}", err=True)
    sys.exit(WRONG_USAGE)


def exit_code(status: int) -> int:
    """Return the exit code for an answer that is no success."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return NO_ACCESS
    if status == HTTPStatus.NOT_FOUND:
        return NOT_FOUND
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AWAY
    return REFUSED


class _Fault(Struct, frozen=True):
    pointer: str = ""
    detail: str = ""


class _Problem(Struct, frozen=True):
    """The part of a problem document that is printed; what another site writes fits it or not."""

    title: str
    code: str = ""
    detail: str | None = None
    errors: list[_Fault] = []


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """Return the problem document of a refusal; of a site that sends none, its status."""
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return {"title": response.reason_phrase, "status": response.status_code}


def refusal_text(response: httpx.Response) -> str:
    """Return a refusal as text: what is wrong, and where."""
    try:
        problem = msgspec.convert(problem_of(response), _Problem)
    except msgspec.ValidationError:
        problem = _Problem(title=response.reason_phrase)
    lines = [f"{problem.title} ({problem.code or response.status_code})"]
    if problem.errors:
        lines += [f"  {fault.pointer or '·'}: {fault.detail}" for fault in problem.errors]
    elif problem.detail and problem.detail != problem.title:
        lines.append(f"  {problem.detail}")
    return "\n".join(lines)


def reason_of(error: Exception) -> str:
    """Return why a file or a server cannot be read; libraries describe it in English only.

    In JSON the position is part of it, where it is known.
    """
    match error:
        case OSError():
            known = _BY_NUMBER.get(error.errno)
            return message(known) if known else error.strerror or str(error)
        case json.JSONDecodeError():
            return tr(
                "{detail}: line {line} column {column}",
                detail=error.msg,
                line=error.lineno,
                column=error.colno,
            )
        case msgspec.DecodeError() if place := re.search(r"(.+) \(byte (\d+)\)$", str(error)):
            return tr("{detail} (byte {byte})", detail=place[1], byte=place[2])
        case httpx.ConnectError() if "All connection attempts" in str(error):
            # Of a name with several addresses httpx does not say what was wrong with each.
            return tr("no connection")
        case _:
            return str(error) or type(error).__name__
