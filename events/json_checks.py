"""Check JSON bodies: how much one holds, before it is decoded, and where a text stops to be JSON.

Three bytes (`[],`) become an object of sixty, and decoding is one call that cannot be interrupted:
without a limit, a body of the allowed size would take gigabytes and hold up every request.
"""

import re

from events.errors import Problem

MOST_VALUES = 500_000
"""Values and names: what commas, colons and brackets separate."""

MOST_CONTAINERS = 120_000
"""Objects and arrays among them; the garbage collector visits each. The largest graphs that people
have made, of some thousand nodes, have a quarter of it."""

MOST_SYNTAX = 16 * 1024 * 1024
"""Bytes outside of strings: numbers and spaces."""

LONGEST_NAME = 64 * 1024
"""Bytes of a field's name: whatever is refused because of it, quotes it."""

_SEPARATORS = b",:[{"
_CONTAINERS = b"[{"
_PIECE = 256 * 1024
"""Bytes that are looked at in one call; between two calls other threads have their turn."""

_BYTE = re.compile(r"\(byte (\d+)\)")
_SHOWN = 20
"""Characters that a message repeats."""


class BodyTooComplex(Exception):
    """The body has more values than are taken."""


def check_complexity(body: bytes) -> None:
    """Return if *body* may be decoded.

    A long string costs little, whatever is in it: an image has no end that is not the last.

    Raises:
        BodyTooComplex: it holds too much.

    """
    values = containers = syntax = strings = at = 0
    while at < len(body):
        quote = body.find(b'"', at)
        end = len(body) if quote < 0 else quote
        for start in range(at, end, _PIECE):
            piece = body[start : min(end, start + _PIECE)]
            values += _count(piece, _SEPARATORS)
            containers += _count(piece, _CONTAINERS)
            syntax += len(piece)
            if values > MOST_VALUES or containers > MOST_CONTAINERS or syntax > MOST_SYNTAX:
                raise BodyTooComplex
        at, quotes = _after_string(body, end + 1)
        strings += quotes
        if strings > MOST_VALUES or (at - end > LONGEST_NAME and _is_name(body, at)):
            raise BodyTooComplex


def _count(piece: bytes, wanted: bytes) -> int:
    return len(piece) - len(piece.translate(None, wanted))


def _after_string(body: bytes, at: int) -> tuple[int, int]:
    """Find where the string ends that has begun just before *at*, over how many quotes."""
    for quotes in range(1, MOST_VALUES + 2):
        quote = body.find(b'"', at)
        if quote < 0:
            return len(body), quotes
        if not _is_escaped(body, at, quote):
            return quote + 1, quotes
        at = quote + 1
    return at, quotes


def _is_name(body: bytes, end: int) -> bool:
    """Whether a colon follows, that is, whether the string that ended there is a name."""
    return body[end : end + _PIECE].lstrip().startswith(b":")


def _is_escaped(body: bytes, start: int, quote: int) -> bool:
    """Whether an odd number of backslashes stands between *start* and a quote."""
    backslashes, end, size = 0, quote, 16
    while end > start:
        run = body[max(start, end - size) : end]
        others = run.rstrip(b"\\")
        backslashes += len(run) - len(others)
        if others:
            break
        end, size = end - len(run), min(4 * size, _PIECE)
    return backslashes % 2 == 1


def malformed_json(text: str, error: Exception, *, pointer: str = "") -> Problem:
    """Name the line and column at which *text* stops to be JSON, as *error* of msgspec has it."""
    at = _position(text, error)
    before, rest = text[:at], text[at : at + _SHOWN]
    # Where nothing follows, what came before shows the place.
    shown = rest or f"{before[-_SHOWN:]}…"
    line, column = before.count("\n") + 1, at - before.rfind("\n")
    params = {"line": str(line), "column": str(column), "text": shown}
    return Problem(code="json_malformed", pointer=pointer, params=params)


def _position(text: str, error: Exception) -> int:
    """Return the place in *text*; the end where *error* names no byte."""
    if "\N{REPLACEMENT CHARACTER}" in text and isinstance(error, UnicodeDecodeError):
        return text.index("\N{REPLACEMENT CHARACTER}")
    found = _BYTE.search(str(error))
    return len(text.encode()[: int(found[1])].decode(errors="ignore")) if found else len(text)
