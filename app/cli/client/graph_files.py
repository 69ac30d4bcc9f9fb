"""Reads a workflow out of a file: JSON in any encoding, or a picture that ComfyUI made."""

import json
import math
from typing import Any

from app.cli.client.api_client import Json
from app.cli.client.inputs import as_text, read_bytes
from app.cli.errors import CommandError, reason_of
from app.cli.texts import language
from events.errors import InvalidGraph
from events.graph.wrapped import FoundGraphs, find_graphs
from events.json_checks import BodyTooComplex
from events.messages import CATALOGUE
from infra.images.metadata import GRAPH_TEXTS, read_graph_texts
from infra.translation import problem_text, translate


def read_graphs(file: str) -> FoundGraphs:
    """Read the graphs of a file, - for stdin.

    Raises:
        CommandError: there is no such file, no graph is in it, or it is no JSON; the text
            says where.

    """
    data = read_bytes(file)
    texts = read_graph_texts(data)
    document = _read_json(file, data) if texts is None else _read_picture(file, texts)
    found = _found(file, document)
    if found.api is None and found.ui is None:
        raise CommandError("cli.no_graph", file=file)
    return found


def _found(file: str, document: object) -> FoundGraphs:
    try:
        return find_graphs(document)
    except InvalidGraph as error:
        reason = "; ".join(f"{p.pointer}: {problem_text(p, language())}" for p in error.problems)
        raise CommandError("cli.no_json", file=file, reason=reason) from error
    except (BodyTooComplex, RecursionError) as error:
        reason = translate(CATALOGUE["body_too_complex"], language())
        raise CommandError("cli.no_json", file=file, reason=reason) from error


def _read_picture(file: str, texts: dict[str, str]) -> Json:
    """Prefer the editor's graph, as the editor does when a picture is dropped on it."""
    for name in reversed(GRAPH_TEXTS):
        if name in texts:
            return {name: _read_json(f"{file} ({name})", texts[name].encode())}
    raise CommandError("cli.no_graph_in_picture", file=file)


def _read_json(file: str, data: bytes) -> object:
    try:
        return _finite(file, json.loads(as_text(data)))
    except (ValueError, RecursionError) as error:  # both decoders name the line or the byte
        raise CommandError("cli.no_json", file=file, reason=reason_of(error)) from error


def _finite(file: str, value: Any, key: str = "") -> Any:
    """Put null for NaN and Infinity, as the editor does; but not for an input of a node that runs.

    Python writes them, so pictures have them, in what ComfyUI notes of a node beside its inputs.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(file, item) for item in value]
    if not isinstance(value, dict):
        return value
    finite = {name: _finite(file, item, name) for name, item in value.items()}
    if "class_type" in value and finite.get("inputs") != value.get("inputs"):
        raise CommandError("cli.input_not_finite", file=file, node=key)
    return finite
