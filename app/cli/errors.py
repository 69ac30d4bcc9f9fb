"""Why a file or a server cannot be read, in the user's language: libraries know English only."""

import errno
import json
import re
from collections.abc import Mapping

import httpx
import msgspec

from app.cli.texts import message, tr

_BY_NUMBER: Mapping[int | None, str] = {
    errno.ENOENT: "cli.reason_missing",
    errno.EACCES: "cli.reason_forbidden",
    errno.EISDIR: "cli.reason_folder",
}


def reason_of(error: Exception) -> str:
    """Return why reading failed, with the position in JSON where it is known."""
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
