"""Examples of answers, as the system gave them: `make answers` records them.

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
    "GET /v1/changes 200": (
        'retry: 2000\nid: 69\nevent: position\ndata: {"position":"69"}\n\n'
        'id: 71\nevent: changes\ndata: {"everything":false,"ids":'
        '{"run":["ab7ba7c5-1bcb-5c7c-b0a4-a537a054688d"],'
        '"machine":["130b32a3-c679-50f1-be11-490ac4bf1fd2"]}}\n\n'
    ),
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
"""Answers that only an outage produces, or the right moment."""


@cache
def example_answers() -> Mapping[str, Any]:
    """Return every answer by its key."""
    recorded: Json = msgspec.json.decode(files("app.openapi").joinpath(FILE).read_bytes())
    return {**recorded, **_BY_HAND}


def add_example_answers(operation: Json, method: str, path: str) -> None:
    """Add to each response of an operation the answers that were recorded."""
    for status, response in operation["responses"].items():
        key = f"{method} {path} {status}"
        found = {
            name.removeprefix(key).strip() or "answer": {"value": value}
            for name, value in example_answers().items()
            if name == key or name.startswith(f"{key} ")
        }
        for content in (response.get("content") or {}).values() if found else ():
            content["examples"] = content.get("examples", {}) | found
