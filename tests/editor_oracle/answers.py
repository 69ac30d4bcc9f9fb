"""The editor's answers as they are kept: a line of JSON for each graph, all compressed at once."""

import lzma
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

FOLDER = Path(__file__).parent / "recorded"
_FILE = FOLDER / "answers.jsonl.xz"
_CLASSES = FOLDER / "object_info.json.xz"
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]

Json = dict[str, Any]
Form = Literal["given", "export", "save"]
"""A graph as its author gave it, or as the editor writes it anew: by Export, by Save."""


Place = tuple[str, str]
"""A node in API format and the name of one of its inputs."""

FORMS: tuple[Form, ...] = get_args(Form)


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the editor sends for one graph."""

    name: str
    form: Form
    graph: Json
    sends: Json | None = None
    varies: list[list[Place]] = []
    """Of a graph that is given: the inputs that differ in the next run, one list for each seed."""

    error: str = ""
    """Why it sends nothing."""


def read_answers() -> Iterator[Answer]:
    """Yield the recorded answers."""
    decode = msgspec.json.Decoder(Answer).decode
    with lzma.open(_FILE) as file:
        yield from map(decode, file)


def write_answers(answers: Iterable[Answer]) -> None:
    """Replace the recorded answers."""
    FOLDER.mkdir(exist_ok=True)
    body = b"".join(msgspec.json.encode(answer) + b"\n" for answer in answers)
    _FILE.write_bytes(lzma.compress(body, filters=_FILTERS))


@cache
def object_info() -> bytes:
    """Return what a stock ComfyUI says of the classes that the graphs use, in JSON."""
    return lzma.decompress(_CLASSES.read_bytes())


def write_object_info(classes: Json) -> None:
    """Replace the classes."""
    FOLDER.mkdir(exist_ok=True)
    _CLASSES.write_bytes(lzma.compress(msgspec.json.encode(classes), filters=_FILTERS))
