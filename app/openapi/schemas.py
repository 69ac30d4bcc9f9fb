"""Schemas for generators of clients: short names, whole limits, plain choices."""

import re
from typing import Any

from app.openapi.words import SCHEMAS

Json = dict[str, Any]

_LIMITS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
_LIST = re.compile(r"ListView_(?:\w+\.)*(\w+?)_")


def tidy_schemas(document: Json) -> Json:
    """Rename and tidy every schema of a document.

    Raises:
        ValueError: two schemas would have the same name.

    """
    schemas = document["components"]["schemas"]
    names = {f"#/components/schemas/{name}": _short(name) for name in schemas}
    if len(set(names.values())) < len(names):
        raise ValueError(f"two schemas have one name; see SCHEMAS in words.py: {sorted(names)}")
    tidied: Json = _tidied(document, names)
    renamed = {names[f"#/components/schemas/{name}"]: name for name in schemas}
    tidied["components"]["schemas"] = {
        short: {**tidied["components"]["schemas"][name], "title": short}
        for short, name in sorted(renamed.items())
    }
    return tidied


def _short(name: str) -> str:
    """Return the public name of a schema: RunView is Run, ListView[RunView] is RunList."""
    if found := _LIST.fullmatch(name):
        return f"{_short(found[1])}List"
    return SCHEMAS.get(name) or name.removesuffix("View")


def _tidied(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_tidied(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    tidied = {key: _tidied_entry(key, item, names) for key, item in value.items()}
    if "oneOf" in tidied:
        # 1 is an integer and a number: that two choices fit is no fault.
        tidied["anyOf"] = tidied.pop("oneOf")
    return tidied


def _tidied_entry(key: str, item: Any, names: dict[str, str]) -> Any:
    if key == "$ref":
        return f"#/components/schemas/{names[item]}" if item in names else item
    if key in _LIMITS and isinstance(item, float) and item.is_integer():
        return int(item)
    if key == "pattern" and isinstance(item, str):
        # Python's anchors; what JSON Schema speaks has others.
        return item.replace(r"\A", "^").replace(r"\Z", "$")
    return _tidied(item, names)
