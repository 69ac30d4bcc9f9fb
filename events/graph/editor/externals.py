"""What /object_info would say of external-input nodes, which a machine need not know."""

from collections.abc import Mapping
from typing import Any

from events.graph.editor.classes import Info

_TEXT = ["STRING", {"default": ""}]
_FILE = ["COMBO", {"options": []}]
_IMAGE = ["IMAGE", {}]
_WORDS = {"display_name": _TEXT, "description": _TEXT}


def _number(kind: str, default: float) -> list[Any]:
    return [kind, {"default": default}]


def _info(output: str, optional: Mapping[str, Any], **required: Any) -> Info:
    inputs = {"required": {"input_id": _TEXT, **required}, "optional": optional}
    return {"input": inputs, "output": [output]}


EXTERNAL_INFOS: Mapping[str, Info] = {
    "ComfyUIDeployExternalText": _info("STRING", {"default_value": _TEXT, **_WORDS}),
    "ComfyUIDeployExternalTextAny": _info("*", {"default_value": _TEXT, **_WORDS}),
    "ComfyUIDeployExternalImage": _info(
        "IMAGE", {"default_value": _IMAGE, **_WORDS, "default_value_url": _TEXT}
    ),
    "ComfyUIDeployExternalImageAlpha": _info("IMAGE", {"default_value": _IMAGE, **_WORDS}),
    "ComfyUIDeployExternalNumber": _info("FLOAT", {"default_value": _number("FLOAT", 0), **_WORDS}),
    "ComfyUIDeployExternalNumberInt": _info("INT", {"default_value": _number("INT", 0), **_WORDS}),
    "ComfyUIDeployExternalNumberSlider": _info(
        "FLOAT",
        {
            "default_value": _number("FLOAT", 0.5),
            "min_value": _number("FLOAT", 0),
            "max_value": _number("FLOAT", 1),
            **_WORDS,
        },
    ),
    "ComfyUIDeployExternalLora": _info(
        "*",
        {
            "default_lora_name": _FILE,
            "lora_save_name": _TEXT,
            **_WORDS,
            "lora_url": _TEXT,
            "bearer_token": _TEXT,
        },
    ),
    "ComfyUIDeployExternalCheckpoint": _info("*", {"default_value": _FILE, **_WORDS}),
    "ComfyUIDeployExternalBoolean": _info(
        "BOOLEAN", _WORDS, default_value=["BOOLEAN", {"default": False}]
    ),
}
"""In the order in which the nodes keep their values."""
