"""Cuts what a ComfyUI says of its classes down to what matters here."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]

_TEXTS: Json = {
    "description": "",
    "category": "",
    "search_aliases": [],
    "essentials_category": None,
}


def trimmed(classes: Mapping[str, Json], graphs: Iterable[Json]) -> Json:
    """Return the classes that *graphs* use, without the texts for people."""
    used = {kind for graph in graphs for kind in _types(graph)}
    return {name: _without_texts(info) for name, info in classes.items() if name in used}


def _types(graph: Any) -> Iterator[str]:
    """Yield the types of all nodes, also of those in subgraphs and groups."""
    if isinstance(graph, dict):
        if isinstance(graph.get("type"), str):
            yield graph["type"]
        for value in graph.values():
            yield from _types(value)
    elif isinstance(graph, list):
        for value in graph:
            yield from _types(value)


def _without_texts(info: Json) -> Json:
    cut = {k: v for k, v in info.items() if k not in ("output_tooltips", "price_badge")}
    cut |= {key: empty for key, empty in _TEXTS.items() if key in info}
    return {**cut, "input": _without_tooltips(info["input"])}


def _without_tooltips(value: Any) -> Any:
    if isinstance(value, dict):
        texts = {key for key, text in value.items() if key == "tooltip" and isinstance(text, str)}
        return {k: _without_tooltips(v) for k, v in value.items() if k not in texts}
    return [_without_tooltips(v) for v in value] if isinstance(value, list) else value
