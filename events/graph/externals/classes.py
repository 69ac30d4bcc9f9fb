"""The classes of external-input nodes: one table says all that comfyd knows about each."""

import json
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Any

from msgspec import Struct

from events.errors import Problem
from events.graph.externals.stand_ins import (
    StandIn,
    always,
    is_whole_video,
    load_audio,
    load_image,
    load_image_with_alpha,
    load_images,
    load_video,
)
from events.graph.externals.values import (
    AnyUrl,
    Constant,
    Images,
    ImageUrl,
    Unfit,
    Value,
    to_boolean,
    to_file,
    to_image,
    to_images,
    to_integer,
    to_model,
    to_number,
    to_text,
)
from events.graph.nodes import Graph, is_link, pointer

MOST_INPUTS = 1000
"""Inputs of one run, and of one workflow."""

LONGEST_NAME = 500
"""Characters of an input's name."""


class InputKind(StrEnum):
    """What an input takes."""

    TEXT = "text"
    ENUM = "enum"
    IMAGE = "image"
    IMAGE_ALPHA = "image_alpha"
    IMAGES = "images"
    NUMBER = "number"
    INTEGER = "integer"
    SLIDER = "slider"
    INTEGER_SLIDER = "integer_slider"
    SEED = "seed"
    LORA = "lora"
    CHECKPOINT = "checkpoint"
    FACE_MODEL = "face_model"
    AUDIO = "audio"
    VIDEO = "video"
    EXR = "exr"
    FILE = "file"
    BOOLEAN = "boolean"


IMAGE_KINDS = frozenset({InputKind.IMAGE, InputKind.IMAGE_ALPHA})

RANDOM_SEED = -1
"""A seed that is left to chance."""

SEED_PLACE = "default_value"
"""The input of a seed's node that chance fills."""

Bound = tuple[str, float]
"""An input of a node, and what the node assumes where it is not there."""


class External(Struct, frozen=True, kw_only=True):
    """How comfyd treats one class of external-input nodes."""

    kind: InputKind
    convert: Callable[[object], Value | Images]
    default_keys: tuple[str, ...] = ("default_value",)
    """Where the node keeps its default; the first that is filled counts."""

    value_keys: tuple[str, ...] = ("input_id", "default_value")
    """Where the plugin's own node reads a value from, in some version or other."""

    bounds: tuple[Bound, Bound] | None = None
    """Where the node keeps its least and greatest value."""

    stand_in: StandIn | None = None
    """The nodes that take its place when a value is given; None: the value itself does."""

    slots: int = 1
    """How many outputs it has."""

    is_stock: Callable[[Mapping[str, Any], AbstractSet[int]], bool] = always
    """Whether stock nodes do what it does, with its inputs and with the outputs that are used."""

    keeps_urls: bool = False
    """Whether it stays for a URL where it is there, since stock nodes only do something similar."""


def never(_inputs: Mapping[str, Any], _used: AbstractSet[int]) -> bool:
    """Return that no stock node does it."""
    return False


_TEXT = External(kind=InputKind.TEXT, convert=to_text)
_URL_OR_LINK = ("default_value_url", "default_value")
_VALUE = ("input_id",)
_WIDEST_SEED = (1, 999_999_999_999_999)
"""Limits of the node's own limits."""

EXTERNALS: Mapping[str, External] = {
    "ComfyUIDeployExternalText": _TEXT,
    "ComfyUIDeployExternalTextAny": _TEXT,
    "ComfyUIDeployExternalTextSingleLine": _TEXT,
    "ComfyUIDeployExternalImage": External(
        kind=InputKind.IMAGE,
        convert=to_image,
        default_keys=_URL_OR_LINK,
        value_keys=_VALUE,
        stand_in=load_image,
    ),
    "ComfyUIDeployExternalImageAlpha": External(
        kind=InputKind.IMAGE_ALPHA,
        convert=to_image,
        default_keys=_URL_OR_LINK,
        value_keys=_VALUE,
        stand_in=load_image_with_alpha,
    ),
    "ComfyDeployWebscoketImageInput": External(
        kind=InputKind.IMAGE, convert=to_image, value_keys=_VALUE, stand_in=load_image
    ),
    "ComfyUIDeployExternalImageBatch": External(
        kind=InputKind.IMAGES,
        convert=to_images,
        default_keys=("images", "default_value"),
        value_keys=("input_id", "images"),
        stand_in=load_images,
    ),
    "ComfyUIDeployExternalNumber": External(kind=InputKind.NUMBER, convert=to_number),
    "ComfyUIDeployExternalNumberInt": External(kind=InputKind.INTEGER, convert=to_integer),
    "ComfyUIDeployExternalNumberSlider": External(
        kind=InputKind.SLIDER,
        convert=to_number,
        bounds=(("min_value", 0.0), ("max_value", 1.0)),
    ),
    "ComfyUIDeployExternalNumberSliderInt": External(
        kind=InputKind.INTEGER_SLIDER,
        convert=to_integer,
        bounds=(("min_value", 0), ("max_value", 10)),
    ),
    "ComfyUIDeployExternalBoolean": External(kind=InputKind.BOOLEAN, convert=to_boolean),
    "ComfyUIDeployExternalEnum": External(kind=InputKind.ENUM, convert=to_text),
    "ComfyUIDeployExternalSeed": External(
        kind=InputKind.SEED,
        convert=to_integer,
        bounds=(("min_value", 1), ("max_value", 4_294_967_295)),
    ),
    "ComfyUIDeployExternalLora": External(
        kind=InputKind.LORA,
        convert=to_model("ComfyUIDeployExternalLora"),
        default_keys=("lora_url", "default_lora_name"),
        value_keys=("input_id", "lora_url"),
    ),
    "ComfyUIDeployExternalCheckpoint": External(
        kind=InputKind.CHECKPOINT, convert=to_model("ComfyUIDeployExternalCheckpoint")
    ),
    "ComfyUIDeployExternalFaceModel": External(
        kind=InputKind.FACE_MODEL,
        convert=to_file,
        default_keys=("face_model_url", "default_face_model_name"),
        value_keys=("input_id", "face_model_url"),
        is_stock=never,
    ),
    "ComfyUIDeployExternalAudio": External(
        kind=InputKind.AUDIO,
        convert=to_file,
        default_keys=("audio_file", "default_value"),
        value_keys=("input_id", "audio_file"),
        stand_in=load_audio,
    ),
    "ComfyUIDeployExternalEXR": External(
        kind=InputKind.EXR,
        convert=to_file,
        default_keys=("exr_file", "default_image"),
        value_keys=("input_id", "exr_file"),
        slots=2,
        is_stock=never,
    ),
    "ComfyUIDeployExternalFile": External(
        kind=InputKind.FILE,
        convert=to_file,
        default_keys=("file_url",),
        value_keys=("input_id", "file_url"),
        keeps_urls=True,  # It returns a path, and a stock machine a name among its inputs.
    ),
    "ComfyUIDeployExternalVideo": External(
        kind=InputKind.VIDEO,
        convert=to_file,
        default_keys=("default_value_url", "default_video"),
        value_keys=_VALUE,
        stand_in=load_video,
        slots=5,
        is_stock=is_whole_video,
    ),
    "ComfyUIDeployExternalVid": External(
        kind=InputKind.VIDEO, convert=to_file, value_keys=_VALUE, is_stock=never
    ),
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
    external = EXTERNALS[node["class_type"]]
    if external.bounds is None:
        return None, None
    low, high = (
        None if is_link(raw := node["inputs"].get(key, assumed)) else to_number(raw)
        for key, assumed in external.bounds
    )
    if external.kind is InputKind.SEED:
        least, most = _WIDEST_SEED
        return max(least, low or least), min(most, most if high is None else high)
    return low, high


def options_of(node: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what an external node may be chosen from; empty where any text will do.

    A default that the options do not name (any more) is one of them: the node returns it.
    """
    if EXTERNALS[node["class_type"]].kind is not InputKind.ENUM:
        return ()
    try:
        listed = json.loads(node["inputs"].get("options") or "[]")
    except (ValueError, TypeError, RecursionError):
        return ()
    if not isinstance(listed, list):
        return ()
    options = [to_text(one) for one in listed if isinstance(one, str | int | float)]
    default = default_of(node)
    if options and isinstance(default, str):
        options.append(default)
    return tuple(dict.fromkeys(options))


Default = Constant | AnyUrl | tuple[ImageUrl, ...] | list[Any]
"""What a node has by default: a constant, what is to be fetched, or a link."""


def default_of(node: Mapping[str, Any]) -> Default | None:
    """Return an external node's default; None: it has none, or a seed is left to chance.

    Raises:
        Unfit: the default is nothing that a caller might send, or out of bounds.

    """
    external = EXTERNALS[node["class_type"]]
    candidates = (node["inputs"].get(key) for key in external.default_keys)
    raw = next((value for value in candidates if _filled(external, value)), None)
    if raw is None or is_link(raw):
        return raw
    value = external.convert(raw)
    if external.kind is InputKind.SEED and not is_within(value, *bounds_of(node)):
        return None
    if isinstance(value, tuple):
        return tuple(_url(one) for one in value)
    value = within(value, *bounds_of(node))
    return value if isinstance(value, Constant | AnyUrl) else _url(value)


def _url(value: Value) -> ImageUrl:
    if isinstance(value, ImageUrl):
        return value
    raise Unfit("input_default_not_url")


def _filled(external: External, value: object) -> bool:
    """Forms and ComfyUI's own editor leave "" where nothing was chosen; as a text it is a value."""
    if external.kind is InputKind.IMAGES and value in ("[]", []):
        return False
    return value is not None and (value != "" or external.kind is InputKind.TEXT)


def within(value: Value, low: float | None, high: float | None) -> Value:
    """Return *value* if it is no number, or one within the bounds.

    Raises:
        Unfit: it is not.

    """
    if isinstance(value, int | float) and not is_within(value, low, high):
        raise Unfit("input_out_of_range", minimum=_bound(low), maximum=_bound(high))
    return value


def is_within(value: object, low: float | None, high: float | None) -> bool:
    """Whether a value is a number within the bounds."""
    if not isinstance(value, int | float):
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _bound(bound: float | None) -> str:
    return "∞" if bound is None else f"{bound:.15g}"
