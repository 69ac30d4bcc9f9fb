"""Ask a ComfyUI what it is and what it can do, without what changes from one minute to the next."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from events.graph.input_specs import InputSpec
from events.machine.snapshot import Device
from infra.comfyui.client import Client
from infra.machine_driver import Observed

LOADERS = {
    ("CheckpointLoaderSimple", "ckpt_name"): "checkpoints",
    ("CLIPLoader", "clip_name"): "text_encoders",
    ("CLIPVisionLoader", "clip_name"): "clip_vision",
    ("ControlNetLoader", "control_net_name"): "controlnet",
    ("GLIGENLoader", "gligen_name"): "gligen",
    ("HypernetworkLoader", "hypernetwork_name"): "hypernetworks",
    ("LoraLoader", "lora_name"): "loras",
    ("StyleModelLoader", "style_model_name"): "style_models",
    ("UNETLoader", "unet_name"): "diffusion_models",
    ("UpscaleModelLoader", "model_name"): "upscale_models",
    ("VAELoader", "vae_name"): "vae",
}
"""Stock class and input to the folder of ComfyUI whose files it offers."""

LONGEST_NAME = 200
"""Characters kept of a version or a device's name."""

MOST_DEVICES = 64

Description = dict[str, Any]
"""What /object_info says about one class."""


class SystemInfo(Struct, frozen=True):
    """The part of /system_stats about the software."""

    os: str = ""
    comfyui_version: str = ""
    python_version: str = ""
    pytorch_version: str = ""


class DeviceInfo(Struct, frozen=True):
    """The part of /system_stats about one device; how much is free changes all the time."""

    name: str = ""
    type: str = ""
    vram_total: int = 0


class SystemStats(Struct, frozen=True):
    """What /system_stats says."""

    system: SystemInfo
    devices: list[DeviceInfo] = []


async def observe(client: Client) -> Observed:
    """Ask for everything.

    Raises:
        MachineUnreachable: it does not answer, or not as a ComfyUI does.

    """
    described, stats = await asyncio.gather(
        client.read(dict[str, Description], "object_info"),
        client.read(SystemStats, "system_stats"),
    )
    return Observed(
        # Sorted: the order in which nodes were loaded means nothing. That of inputs does.
        node_classes={name: settled(described[name]) for name in sorted(described)},
        models=models(described),
        comfyui_version=stats.system.comfyui_version[:LONGEST_NAME],
        python_version=stats.system.python_version[:LONGEST_NAME],
        pytorch_version=stats.system.pytorch_version[:LONGEST_NAME],
        os=stats.system.os[:LONGEST_NAME],
        devices=tuple(
            Device(name=d.name[:LONGEST_NAME], type=d.type[:LONGEST_NAME], vram_total=d.vram_total)
            for d in stats.devices[:MOST_DEVICES]
        ),
    )


def models(described: Mapping[str, Description]) -> dict[str, list[str]]:
    """Return the files that the stock loaders offer, by folder."""
    return {
        folder: _options(described[class_type], input_name)
        for (class_type, input_name), folder in LOADERS.items()
        if class_type in described
    }


def _options(description: Description, input_name: str) -> list[str]:
    for spec in InputSpec.all_of(description):
        if spec.name == input_name:
            return [option for option in spec.options if isinstance(option, str)]
    return []


def settled(description: Description) -> Description:
    """Leave out the files that people upload: they come and go with every run."""
    declared = description.get("input")
    if not isinstance(declared, Mapping):
        return description
    return {**description, "input": {c: _settled_inputs(i) for c, i in declared.items()}}


def _settled_inputs(inputs: object) -> object:
    if not isinstance(inputs, Mapping):
        return inputs
    return {name: _settled_spec(spec) for name, spec in inputs.items()}


def _settled_spec(spec: object) -> object:
    if not isinstance(spec, list) or not any(_upload_flags(spec)):
        return spec
    kind, extra, *rest = spec
    if isinstance(kind, list):
        return [[], extra, *rest]
    return [kind, {**extra, "options": []}, *rest] if "options" in extra else spec


def _upload_flags(spec: list[Any]) -> Iterator[bool]:
    extra = spec[1] if len(spec) > 1 and isinstance(spec[1], Mapping) else {}
    return (bool(value) for name, value in extra.items() if name.endswith("upload"))
