"""Writes answers down as examples, without what differs each time, and compares later ones.

COMFYD_RECORD_ANSWERS=1 writes app/openapi/example_answers.json; `make answers` sets it.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx

from app.openapi.example_answers import FILE, example_answers

Json = dict[str, Any]

RECORD = os.environ.get("COMFYD_RECORD_ANSWERS") == "1"
PATH = Path(__file__).parents[2] / "app" / "openapi" / FILE
BEGAN = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_OTHERS: tuple[tuple[re.Pattern[str], Callable[[int, str], str]], ...] = (
    (re.compile(r"\b[0-9a-f]{64}\b"), lambda n, _: sha256(b"%d" % n).hexdigest()),
    (re.compile(r"\bcfd_[\w-]{16,}"), lambda n, was: f"cfd_EXAMPLE{n}".ljust(len(was), "x")),
    (re.compile(r"\bcfd_(?!EXAMPLE)[\w-]{8}(?=\\?\")"), lambda n, _: f"cfd_EXAMPLE{n}"),
    (re.compile(r"(?<=X-Amz-Credential=)[\w-]+"), lambda *_: "EXAMPLEKEY"),
    (re.compile(r"\bgAAAA[\w-]{20,}=*"), lambda n, _: f"gAAAAEXAMPLE{n}"),
    (re.compile(r"\bworker:[\w.-]+:\d+"), lambda n, _: f"worker:gpu-host:{n + 40}"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), lambda *_: "https://files.example.com"),
    (re.compile(r"(?<=/files/)[\w-]{22}(?=/)"), lambda *_: "EXAMPLE".ljust(22, "x")),
    (
        re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
        lambda n, _: str(uuid5(NAMESPACE_URL, f"example {n}")),
    ),
)
"""What differs each time, and what stands in the place of the nth that is seen."""


class Recorded:
    """The answers of one test, by method, address, status and name; the first of each counts."""

    def __init__(self) -> None:
        self._answers: Json = {}

    def note(self, method: str, path: str, answer: httpx.Response, name: str = "") -> None:
        """Keep an answer, unless there is one like it."""
        key = f"{method} {path} {answer.status_code} {name}".strip()
        is_stream = answer.headers["Content-Type"].startswith("text/event-stream")
        value: Any = excerpt(answer.text) if is_stream else answer.json()
        self._answers.setdefault(key, abridged(value) if "/openapi.json" in key else value)

    def check(self, known: Mapping[str, str]) -> list[str]:
        """Compare recorded answers with the examples, or record them again.

        *known* has real words, and what stands in their place.
        """
        if RECORD:
            kept = json.loads(PATH.read_text("utf-8"))
            whole = kept | without_what_differs(self._answers, known)
            PATH.write_text(json.dumps(dict(sorted(whole.items())), indent=1) + "\n", "utf-8")
            return []
        return [
            f"{key} looks otherwise (make answers): {self._answers[key]}"
            for key, answer in self._answers.items()
            if not alike(shaped(answer), shaped(example_answers().get(key, {})))
        ]


def excerpt(stream: str) -> str:
    """Return the beginning of a stream and its last message."""
    messages = stream.strip("\n").split("\n\n")
    return "\n\n".join([*messages[:2], *messages[2:][-1:]]) + "\n\n"


def abridged(document: Json) -> Json:
    """Leave of a deployment's own description what is its own."""
    inputs = {"Inputs": document["components"]["schemas"]["Inputs"]}
    paths = {
        path: {
            method: {"operationId": operation["operationId"], "summary": operation["summary"]}
            for method, operation in item.items()
        }
        for path, item in document["paths"].items()
    }
    return document | {"paths": paths, "components": {"schemas": inputs}}


def without_what_differs(answers: Json, known: Mapping[str, str]) -> Json:
    """Put fixed words in the place of ids, times, hosts, hashes and secrets."""
    text = json.dumps(answers)
    for real, sample in known.items():
        text = text.replace(real, sample)
    kept = set(known.values())
    for pattern, sample_of in _OTHERS:
        found = [word for word in dict.fromkeys(pattern.findall(text)) if word not in kept]
        for n, word in enumerate(found, 1):
            text = text.replace(word, sample_of(n, word))
    began = min(map(datetime.fromisoformat, _TIME.findall(text)))
    result: Json = json.loads(_TIME.sub(lambda m: _moved(m[0], began), text))
    return result


def _moved(time: str, began: datetime) -> str:
    since = datetime.fromisoformat(time) - began
    if since > timedelta(days=1):
        return time  # it comes from a request
    moved = (BEGAN + since).replace(tzinfo=None).isoformat(timespec="microseconds")
    return moved[: max(len(time), len("2026-01-05T09:30:00.000Z")) - 1] + "Z"


def shaped(value: Any) -> Any:
    """Return an answer as it is compared: a stream by its events."""
    if not isinstance(value, str) or "\nevent: " not in value:
        return value
    return dict(_messages(value))


def _messages(stream: str) -> Iterator[tuple[str, Any]]:
    for message in stream.strip("\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in message.split("\n"))
        data = json.loads(fields["data"])
        if "ids" in data:
            # By kind: of which kinds there are any depends on the moment.
            data["ids"] = [*data["ids"].values()]
        yield f"event {fields['event']}", data


def alike(live: Any, example: Any) -> bool:
    """Return whether two answers have the same keys and types; null may be anything."""
    if live is None or example is None:
        return True
    if isinstance(live, dict) and isinstance(example, dict):
        same = live.keys() == example.keys() or any(key.startswith("event ") for key in live)
        return same and all(alike(live[key], example[key]) for key in live.keys() & example.keys())
    if isinstance(live, list) and isinstance(example, list):
        return not example or all(any(alike(one, its) for its in example) for one in live)
    return _kind(live) is _kind(example)


def _kind(value: Any) -> type:
    return float if type(value) is int else type(value)
