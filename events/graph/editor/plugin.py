"""What /object_info would say of the plugin's nodes, which a machine need not know."""

from collections.abc import Mapping
from typing import Any

from events.graph.editor.classes import Info

_TEXT = ["STRING", {"default": ""}]
_FILE = ["COMBO", {"options": []}]
_IMAGE = ["IMAGE", {}]
_WORDS = {"display_name": _TEXT, "description": _TEXT}
_JOINED = {"text_a": _TEXT, "text_b": _TEXT, "text_c": _TEXT}


def _number(kind: str, default: float) -> list[Any]:
    return [kind, {"default": default}]


def _choice(*options: str) -> list[Any]:
    return ["COMBO", {"options": list(options)}]


def _info(outputs: str, optional: Mapping[str, Any], **required: Any) -> Info:
    inputs = {"required": {"input_id": _TEXT, **required}, "optional": optional}
    return {"input": inputs, "output": outputs.split()}


def _output(**required: Any) -> Info:
    return {"input": {"required": required, "optional": {"output_id": _TEXT}}, "output": []}


def _combined() -> Info:
    required = {"action": _choice("append", "replace"), "tidy_tags": _choice("yes", "no")}
    return {"input": {"required": required, "optional": _JOINED}, "output": ["STRING"]}


PLUGIN_INFOS: Mapping[str, Info] = {
    "ComfyUIDeployExternalText": _info("STRING", {"default_value": _TEXT, **_WORDS}),
    "ComfyUIDeployExternalTextAny": _info("*", {"default_value": _TEXT, **_WORDS}),
    "ComfyUIDeployExternalTextSingleLine": _info("STRING", {"default_value": _TEXT, **_WORDS}),
    "ComfyUIDeployExternalImage": _info(
        "IMAGE", {"default_value": _IMAGE, **_WORDS, "default_value_url": _TEXT}
    ),
    "ComfyUIDeployExternalImageAlpha": _info("IMAGE", {"default_value": _IMAGE, **_WORDS}),
    "ComfyUIDeployExternalImageBatch": _info(
        "IMAGE", {"default_value": _IMAGE, **_WORDS}, images=["STRING", {"default": "[]"}]
    ),
    "ComfyDeployWebscoketImageInput": _info(
        "IMAGE",
        {"default_value": _IMAGE, "client_id": _TEXT},
        seed=["INT", {"default": 0, "min": 0, "max": 2**64 - 1}],
    ),
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
    "ComfyUIDeployExternalNumberSliderInt": _info(
        "INT",
        {
            "default_value": _number("INT", 1),
            "min_value": _number("INT", 0),
            "max_value": _number("INT", 10),
            **_WORDS,
        },
    ),
    "ComfyUIDeployExternalEnum": _info("*", {"default_value": _TEXT, "options": _TEXT, **_WORDS}),
    "ComfyUIDeployExternalSeed": _info(
        "INT",
        _WORDS,
        default_value=_number("INT", -1),
        min_value=_number("INT", 1),
        max_value=_number("INT", 4_294_967_295),
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
    "ComfyUIDeployExternalFaceModel": _info(
        "*",
        {
            "default_face_model_name": _TEXT,
            "face_model_save_name": _TEXT,
            **_WORDS,
            "face_model_url": _TEXT,
        },
    ),
    "ComfyUIDeployExternalAudio": _info(
        "AUDIO", {"default_value": ["AUDIO", {}], **_WORDS}, audio_file=_TEXT
    ),
    "ComfyUIDeployExternalEXR": _info(
        "IMAGE MASK",
        {"default_image": _IMAGE, "default_mask": ["MASK", {}], **_WORDS},
        exr_file=_TEXT,
        tonemap=["COMBO", {"options": ["linear", "sRGB", "Reinhard"], "default": "sRGB"}],
    ),
    "ComfyUIDeployExternalFile": _info("*", {**_WORDS, "file_url": _TEXT}),
    "ComfyUIDeployExternalVideo": _info(
        "IMAGE INT AUDIO VHS_VIDEOINFO LATENT",
        {
            "meta_batch": ["VHS_BatchManager", {}],
            "vae": ["VAE", {}],
            "default_video": _FILE,
            **_WORDS,
            "default_value_url": _TEXT,
        },
        force_rate=_number("INT", 0),
        force_size=_FILE,
        custom_width=_number("INT", 512),
        custom_height=_number("INT", 512),
        frame_load_cap=_number("INT", 0),
        skip_first_frames=_number("INT", 0),
        select_every_nth=_number("INT", 1),
    ),
    "ComfyUIDeployExternalVid": _info(
        "STRING", {"meta_batch": ["VHS_BatchManager", {}], "default_value": _FILE}
    ),
    "ComfyUIDeployExternalBoolean": _info(
        "BOOLEAN", _WORDS, default_value=["BOOLEAN", {"default": False}]
    ),
    "ComfyDeployOutputImage": _output(
        images=_IMAGE,
        filename_prefix=_TEXT,
        file_type=_choice("png", "jpg", "webp"),
        quality=_number("INT", 80),
    ),
    "ComfyDeployOutputText": _output(
        text=["STRING", {"forceInput": True}],
        filename_prefix=_TEXT,
        file_type=_choice("txt", "json", "md"),
    ),
    "ComfyDeployOutputEXR": _output(images=_IMAGE, filename_prefix=_TEXT),
    "ComfyDeployOutputFile": _output(file_path=["STRING", {"forceInput": True}]),
    "ComfyDeployWebscoketImageOutput": {
        "input": {
            "required": {
                "output_id": _TEXT,
                "images": _IMAGE,
                "file_type": _choice("WEBP", "PNG", "JPEG"),
                "quality": _number("INT", 80),
            },
            "optional": {"client_id": _TEXT},
        },
        "output": [],
    },
    "ComfyUIDeployStringCombine": _combined(),
    "StringFunction": _combined(),
    "ComfyUIDeployModelList": {"input": {"required": {"model": _FILE}}, "output": ["*"]},
}
"""In the order in which the nodes keep their values."""
