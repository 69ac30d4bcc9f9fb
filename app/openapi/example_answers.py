"""Answers to learn from, as the system gave them: `make answers` writes them down.

tests/e2e/openapi/test_openapi_examples.py and its neighbour hold today's answers against them.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

Json = dict[str, Any]

FILE = "example_answers.json"
"""By method, address and status, and after these a name where it is one of several."""

_BY_HAND: Json = {
    "GET /health/ready 503": {
        "status": "not ready",
        "log": "away",
        "storage": "ok",
        "read_models": "ok",
        "replicas": "away",
        "workers": "away",
        "projector": "ok",
    },
}
"""What takes an outage to be seen."""


@cache
def example_answers() -> Mapping[str, Any]:
    """Give every answer by its key."""
    recorded: Json = msgspec.json.decode(files("app.openapi").joinpath(FILE).read_bytes())
    return {**recorded, **_BY_HAND}


def add_example_answers(operation: Json, method: str, path: str) -> None:
    """Show with each answer of an operation what was answered."""
    for status, response in operation["responses"].items():
        key = f"{method} {path} {status}"
        found = {
            name.removeprefix(key).strip() or "answer": {"value": value}
            for name, value in example_answers().items()
            if name == key or name.startswith(f"{key} ")
        }
        for content in (response.get("content") or {}).values() if found else ():
            content["examples"] = content.get("examples", {}) | found
