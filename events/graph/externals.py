"""The classes of external-input nodes: one table says all that comfyd knows about each."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from events.errors import Problem
from events.graph.nodes import Graph, StandIn, is_link, load_image, load_image_with_alpha, pointer
from events.graph.values import (
    Constant,
    ImageUrl,
    Unfit,
    Value,
    to_boolean,
    to_file_name,
    to_image,
    to_integer,
    to_number,
    to_text,
)

MOST_INPUTS = 1000
"""Inputs of one run, and of one workflow."""

LONGEST_NAME = 500
"""Characters of an input's name."""


class InputKind(StrEnum):
    """What an input takes."""

    TEXT = "text"
    IMAGE = "image"
    IMAGE_ALPHA = "image_alpha"
    NUMBER = "number"
    INTEGER = "integer"
    SLIDER = "slider"
    LORA = "lora"
    CHECKPOINT = "checkpoint"
    BOOLEAN = "boolean"


class External(Struct, frozen=True, kw_only=True):
    """How comfyd treats one class of external-input nodes."""

    kind: InputKind
    convert: Callable[[object], Value]
    default_keys: tuple[str, ...] = ("default_value",)
    """Where the node keeps its default; the first that is filled counts."""

    bounds: tuple[tuple[str, float], tuple[str, float]] | None = None
    """Where the node keeps its least and greatest value, each with what the node assumes."""

    stand_in: StandIn | None = None
    """The nodes that take its place when a value is given; None: the value itself does."""


_URL_OR_LINK = ("default_value_url", "default_value")

EXTERNALS: Mapping[str, External] = {
    "ComfyUIDeployExternalText": External(kind=InputKind.TEXT, convert=to_text),
    "ComfyUIDeployExternalTextAny": External(kind=InputKind.TEXT, convert=to_text),
    "ComfyUIDeployExternalImage": External(
        kind=InputKind.IMAGE,
        convert=to_image,
        default_keys=_URL_OR_LINK,
        stand_in=load_image,
    ),
    "ComfyUIDeployExternalImageAlpha": External(
        kind=InputKind.IMAGE_ALPHA,
        convert=to_image,
        default_keys=_URL_OR_LINK,
        stand_in=load_image_with_alpha,
    ),
    "ComfyUIDeployExternalNumber": External(kind=InputKind.NUMBER, convert=to_number),
    "ComfyUIDeployExternalNumberInt": External(kind=InputKind.INTEGER, convert=to_integer),
    "ComfyUIDeployExternalNumberSlider": External(
        kind=InputKind.SLIDER,
        convert=to_number,
        bounds=(("min_value", 0.0), ("max_value", 1.0)),
    ),
    "ComfyUIDeployExternalLora": External(
        kind=InputKind.LORA, convert=to_file_name, default_keys=("default_lora_name",)
    ),
    "ComfyUIDeployExternalCheckpoint": External(kind=InputKind.CHECKPOINT, convert=to_file_name),
    "ComfyUIDeployExternalBoolean": External(kind=InputKind.BOOLEAN, convert=to_boolean),
}
"""A new class of external input is one entry here."""

_FAMILY = (
    "ComfyUIDeployExternal",
    "ComfyDeployWebscoketImageInput",
    "ComfyDeployWebsocketImageInput",
)
"""How the classes of the family are called, in whichever fork; one is misspelt in all of them."""


def unknown_externals(graph: Graph) -> list[Problem]:
    """List the nodes that look like inputs of callers and are none, since we do not know them."""
    return [
        Problem(
            code="external_unknown",
            pointer=pointer(node_id),
            params={"node": node_id, "class_type": node["class_type"]},
        )
        for node_id, node in graph.items()
        if node["class_type"] not in EXTERNALS
        and (
            node["class_type"].startswith(_FAMILY)
            or isinstance(node["inputs"].get("input_id"), str)
        )
    ]


def bounds_of(node: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return the least and greatest value an external node takes; None where it sets no bound.

    Raises:
        Unfit: a bound is no number.

    """
    bounds = EXTERNALS[node["class_type"]].bounds
    if bounds is None:
        return None, None
    low, high = (
        None if is_link(raw := node["inputs"].get(key, assumed)) else to_number(raw)
        for key, assumed in bounds
    )
    return low, high


def default_of(node: Mapping[str, Any]) -> Constant | ImageUrl | list[Any] | None:
    """Return an external node's default: a constant, an image to fetch, a link, or None.

    Raises:
        Unfit: the default is nothing that a caller might send, or out of bounds.

    """
    external = EXTERNALS[node["class_type"]]
    candidates = (node["inputs"].get(key) for key in external.default_keys)
    raw = next((value for value in candidates if _filled(external, value)), None)
    if raw is None or is_link(raw):
        return raw
    value = within(external.convert(raw), *bounds_of(node))
    if isinstance(value, Constant | ImageUrl):
        return value
    raise Unfit("input_default_not_url")


def _filled(external: External, value: object) -> bool:
    """Forms and ComfyUI's own editor leave "" where nothing was chosen; as a text it is a value."""
    return value is not None and (value != "" or external.kind is InputKind.TEXT)


def within(value: Value, low: float | None, high: float | None) -> Value:
    """Return *value* if it is no number, or one within the bounds.

    Raises:
        Unfit: it is not.

    """
    if isinstance(value, int | float):
        below = low is not None and value < low
        above = high is not None and value > high
        if below or above:
            raise Unfit("input_out_of_range", minimum=_bound(low), maximum=_bound(high))
    return value


def _bound(bound: float | None) -> str:
    return "∞" if bound is None else f"{bound:g}"
