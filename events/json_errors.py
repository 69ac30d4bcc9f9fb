"""Find where a text stops to be JSON."""

import re

from events.errors import Problem

_BYTE = re.compile(r"\(byte (\d+)\)")
_SHOWN = 20
"""Characters that a message repeats."""


def malformed_json(text: str, error: Exception, *, pointer: str = "") -> Problem:
    """Name the line and column at which *text* stops to be JSON, as *error* of msgspec has it."""
    at = _position(text, error)
    before, rest = text[:at], text[at : at + _SHOWN]
    line, column = before.count("\n") + 1, at - before.rfind("\n")
    params = {"line": str(line), "column": str(column), "text": rest}
    return Problem(code="json_malformed", pointer=pointer, params=params)


def _position(text: str, error: Exception) -> int:
    """Return the place in *text*; what is not told of a byte is told of the end."""
    if "\N{REPLACEMENT CHARACTER}" in text and isinstance(error, UnicodeDecodeError):
        return text.index("\N{REPLACEMENT CHARACTER}")
    found = _BYTE.search(str(error))
    return len(text.encode()[: int(found[1])].decode(errors="ignore")) if found else len(text)
