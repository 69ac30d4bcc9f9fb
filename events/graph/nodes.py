"""The API format of a ComfyUI graph, and the few stock nodes that comfyd puts into one."""

from collections.abc import Callable, Iterator, Mapping
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


StandIn = Callable[[str, str, str], dict[str, Any]]
"""From a node's id, a free id and the name of an image on the machine to the nodes that load it."""


def load_image(node_id: str, _free_id: str, image: str) -> dict[str, Any]:
    """Load an image's colours; slot 0 of *node_id* is the image."""
    return {node_id: {"class_type": "LoadImage", "inputs": {"image": image}}}


def load_image_with_alpha(node_id: str, free_id: str, image: str) -> dict[str, Any]:
    """Load an image with its transparency; slot 0 of *node_id* is the RGBA image.

    LoadImage gives the inverse of the alpha channel as a mask, and JoinImageWithAlpha takes it so.
    """
    join = {"image": [free_id, 0], "alpha": [free_id, 1]}
    return load_image(free_id, "", image) | {
        node_id: {"class_type": "JoinImageWithAlpha", "inputs": join}
    }
