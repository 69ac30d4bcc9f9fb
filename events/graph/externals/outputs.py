"""The stock nodes that take the place of output nodes."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct

Inputs = Mapping[str, Any]

_PREFIX = "ComfyUI"


class Saver(Struct, frozen=True):
    """A stock node that saves what an output node would have brought out."""

    class_type: str
    inputs: Callable[[Inputs], dict[str, Any]]
    """Its inputs, from those of the node whose place it takes."""


def _image(inputs: Inputs) -> dict[str, Any]:
    return _kept(inputs, images="images") | {
        "filename_prefix": inputs.get("filename_prefix", _PREFIX)
    }


def _received(inputs: Inputs) -> dict[str, Any]:
    """Take a picture that would only be sent; the settings of that are none of a file's."""
    return _kept(inputs, images="images") | {"filename_prefix": _PREFIX}


def _exr(inputs: Inputs) -> dict[str, Any]:
    """Write the numbers as they are, as the node of the plugin does."""
    return _image(inputs) | {
        "format": "exr",
        "format.bit_depth": "32-bit float",
        "format.input_color_space": "linear",
    }


def _text_file(inputs: Inputs) -> dict[str, Any]:
    return _kept(inputs, text="text", file_type="format") | {
        "filename_prefix": inputs.get("filename_prefix", _PREFIX)
    }


def _shown(inputs: Inputs) -> dict[str, Any]:
    return _kept(inputs, text="source")


def _kept(inputs: Inputs, **names: str) -> dict[str, Any]:
    return {new: inputs[old] for old, new in names.items() if old in inputs}


_SENT = Saver("SaveImage", _received)

ALWAYS: Mapping[str, Saver] = {
    "SaveImageWebsocket": _SENT,
    "ETN_SendImageWebSocket": _SENT,
    "ComfyDeployWebscoketImageOutput": _SENT,
}
"""Output nodes whose pictures come over a WebSocket only, as their packs spell them.

Such a picture is in no history: without a listener at that moment it is lost, and must be rendered
again. The stock node's file can be fetched at any time.
"""

WHERE_LACKING: Mapping[str, tuple[Saver, ...]] = {
    "ComfyDeployOutputImage": (Saver("SaveImage", _image),),
    "ComfyDeployOutputText": (Saver("SaveText", _text_file), Saver("PreviewAny", _shown)),
    "ComfyDeployOutputEXR": (Saver("SaveImageAdvanced", _exr),),
}
"""Output nodes of the plugin, and what takes their place on a machine that lacks them: the first
that the machine has. They save what it is not asked to in another form, so the node is preferred.
"""


def saved_instead(node: Inputs, lacking: AbstractSet[str]) -> Inputs:
    """Return an output node as a machine executes it that lacks the classes *lacking*."""
    class_type = node["class_type"]
    savers: tuple[Saver, ...] = (ALWAYS[class_type],) if class_type in ALWAYS else ()
    if class_type in lacking:
        savers = WHERE_LACKING.get(class_type, ())
    saver = next((one for one in savers if one.class_type not in lacking), None)
    if saver is None:
        return node
    return {**node, "class_type": saver.class_type, "inputs": saver.inputs(node["inputs"])}
