"""The API format of a ComfyUI graph."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

Graph = Mapping[str, Any]
"""Node id to {class_type, inputs}; an input is a constant or a link."""

LINK_LENGTH = 2


def is_link(value: object) -> TypeGuard[list[Any]]:
    """Whether an input takes the output of another node: [node id, slot]. ComfyUI's own rule."""
    return (
        isinstance(value, list)
        and len(value) == LINK_LENGTH
        and isinstance(value[0], str)
        and isinstance(value[1], int | float)
    )


def links(node: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    """Yield each link of a node: the input's name, the id of its source, and the slot there."""
    for name, value in node["inputs"].items():
        if is_link(value):
            yield name, value[0], value[1]


def pointer(*parts: str) -> str:
    """Build a JSON pointer (RFC 6901)."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
