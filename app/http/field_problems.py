"""Stable codes for the decoder's errors of a field, whose texts are English and may change."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from events.errors import Problem
from events.graph.nodes import pointer

Read = Callable[[re.Match[str]], tuple[str, dict[str, str]]]

_PART = re.compile(r"[^.\[\]]+")
"""Of the decoder's paths, such as scopes[0] or a.b."""

_NAMED_FIELD = re.compile(r"Object (missing required|contains unknown) field `([^`]{0,200})")
_NAMED_CODES = {"missing required": "field_missing", "contains unknown": "field_unknown"}

_JSON_NAMES = {
    "int": "integer",
    "float": "number",
    "str": "string",
    "bool": "boolean",
    "uuid": "UUID",
    "datetime": "date-time",
}
"""Python's names of types in JSON's words; the others are the same."""

_LENGTH = {">=": "field_too_short", "<=": "field_too_long"}
_SIZE = {">=": "field_too_small", "<=": "field_too_large"}

TIME = "2026-01-31T12:00:00+00:00 (RFC 3339)"
"""An example, which every language has."""

_READINGS: tuple[tuple[re.Pattern[str], Read], ...] = (
    (
        re.compile(r"Expected `([^`]+)`, got `([^`]+)`"),
        lambda m: ("field_type", {"expected": _json_names(m[1]), "got": _json_names(m[2])}),
    ),
    (
        re.compile(r"Expected `\w+` of length (>=|<=) (\d+)"),
        lambda m: (_LENGTH[m[1]], {"limit": m[2]}),
    ),
    (re.compile(r"Expected `\w+` (>=|<=) (\S+)"), lambda m: (_SIZE[m[1]], {"limit": m[2]})),
    (re.compile(r"Expected `\w+` matching regex"), lambda _: ("field_characters", {})),
    (
        re.compile(r"Invalid enum value '?([^']{0,200})"),
        lambda m: ("field_option", {"value": m[1]}),
    ),
    (re.compile(r"Invalid UUID"), lambda _: ("field_format", {"format": "UUID"})),
    (
        re.compile(r"Invalid RFC3339 encoded datetime|with a timezone component"),
        lambda _: ("field_format", {"format": TIME}),
    ),
    (re.compile(r"out of range"), lambda _: ("field_out_of_range", {})),
)


def field_problem(item: Mapping[str, Any]) -> Problem:
    """Point at the field, where the framework points at the whole body."""
    reason = str(item.get("message", ""))
    where = item.get("path") or [
        part for part in _PART.findall(str(item.get("key", ""))) if part != "data"
    ]
    if reason == "'data'":
        return Problem(code="body_missing")
    if named := _NAMED_FIELD.search(reason):
        code, name = _NAMED_CODES[named[1]], named[2]
        return Problem(code=code, pointer=pointer(*where, name), params={"field": name})
    for pattern, read in _READINGS:
        if found := pattern.search(reason):
            code, params = read(found)
            return Problem(code=code, pointer=pointer(*where), params=params)
    return Problem(code="field_invalid", pointer=pointer(*where), params={"reason": reason[:200]})


def _json_names(types: str) -> str:
    return " | ".join(_JSON_NAMES.get(name, name) for name in types.split(" | "))
