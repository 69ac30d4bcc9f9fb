"""The node classes of the demo machine: those of a first workflow, which draw the prompt."""

import json
import random
import textwrap
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from PIL import Image, ImageDraw, ImageFont, ImageOps, PngImagePlugin

_LARGEST = 2048
"""Pixels on a side: drawing holds up everything else meanwhile."""

_LINES_A_PICTURE = 16
_SMALLEST_FONT = 9


class Call(Struct, frozen=True, kw_only=True):
    """One execution of one node."""

    inputs: Mapping[str, Any]
    folder: Path
    """The folders `input` and `output` are below."""

    step: Callable[[int, int], Awaitable[None]]
    """Reports that so many steps of so many are done; takes its time."""

    texts: Mapping[str, Any]
    """What is written into saved pictures: the prompt, and the workflow if there is one."""


Run = Callable[[Call], Awaitable[tuple[Any, ...]]]


class NodeClass(Struct, frozen=True):
    """A class of nodes."""

    run: Run
    """Returns the values of its slots; an output node returns what it shows."""

    inputs: Mapping[str, list[Any]]
    """As /object_info has them: [type or choices, options]."""

    outputs: tuple[str, ...]
    """Types of its slots; a class without any is an output node."""

    def described(self, name: str) -> dict[str, Any]:
        """Describe the class as /object_info does."""
        return {
            "name": name,
            "display_name": name,
            "description": "",
            "category": "demo",
            "python_module": "nodes",
            "input": {"required": self.inputs},
            "input_order": {"required": list(self.inputs)},
            "output": self.outputs,
            "output_name": self.outputs,
            "output_is_list": [False] * len(self.outputs),
            "output_node": not self.outputs,
        }


class Latent(Struct, frozen=True, kw_only=True):
    """What is to be drawn."""

    width: int
    height: int
    batch: int
    text: str = ""
    seed: int = 0
    steps: int = 0


def below(folder: Path, *parts: str) -> Path:
    """Return a path below *folder*.

    Raises:
        ValueError: it would not be below.

    """
    path = folder.joinpath(*parts).resolve()
    path.relative_to(folder.resolve())
    return path


async def _load_checkpoint(call: Call) -> tuple[Any, ...]:
    return (call.inputs["ckpt_name"],) * 3


async def _encode(call: Call) -> tuple[Any, ...]:
    return (call.inputs["text"],)


async def _empty_latent(call: Call) -> tuple[Any, ...]:
    width, height, batch = (call.inputs[name] for name in _SIZE)
    return (Latent(width=width, height=height, batch=batch),)


async def _sample(call: Call) -> tuple[Any, ...]:
    text, seed, steps = (call.inputs[name] for name in ("positive", "seed", "steps"))
    for step in range(1, steps + 1):
        await call.step(step, steps)
    return (replace(call.inputs["latent_image"], text=text, seed=seed, steps=steps),)


async def _decode(call: Call) -> tuple[Any, ...]:
    latent: Latent = call.inputs["samples"]
    return ([drawn(latent, latent.seed + number) for number in range(latent.batch)],)


async def _empty_image(call: Call) -> tuple[Any, ...]:
    width, height, batch = (call.inputs[name] for name in _SIZE)
    colour = f"#{call.inputs['color']:06x}"
    return ([Image.new("RGB", (width, height), colour)] * batch,)


async def _load_image(call: Call) -> tuple[Any, ...]:
    with Image.open(below(call.folder / "input", call.inputs["image"])) as file:
        image = ImageOps.exif_transpose(file).convert("RGBA")
    return [image.convert("RGB")], [ImageOps.invert(image.getchannel("A"))]


async def _save(call: Call) -> tuple[Any, ...]:
    output = call.folder / "output"
    first = below(output, call.inputs["filename_prefix"])
    first.parent.mkdir(parents=True, exist_ok=True)
    texts = PngImagePlugin.PngInfo()
    for name, value in call.texts.items():
        texts.add_text(name, json.dumps(value))
    files = []
    for number, image in enumerate(call.inputs["images"], _saved(first) + 1):
        files.append(first.with_name(f"{first.name}_{number:05}_.png"))
        image.save(files[-1], pnginfo=texts)
    subfolder = first.parent.relative_to(output.resolve()).as_posix().removeprefix(".")
    shown = [{"filename": f.name, "subfolder": subfolder, "type": "output"} for f in files]
    return ({"images": shown},)


def _saved(first: Path) -> int:
    return len(list(first.parent.glob(f"{first.name}_*_.png")))


def drawn(latent: Latent, seed: int) -> Image.Image:
    """Draw a colour field of *seed* with the prompt and the settings on it."""
    rng = random.Random(seed)  # noqa: S311 -- a picture is no secret
    hue = rng.randrange(360)
    shades = (f"hsl({hue}, 60%, 22%)", f"hsl({hue + 80}, 70%, 70%)", f"hsl({hue + 40}, 55%, 45%)")
    glow = ImageOps.invert(Image.radial_gradient("L"))
    slope = Image.linear_gradient("L").rotate(rng.randrange(4) * 90)
    field = Image.blend(slope, glow, 0.25 + rng.random() / 2)
    image = ImageOps.colorize(field.resize((latent.width, latent.height)), *shades)
    size = max(_SMALLEST_FONT, min(image.size) // _LINES_A_PICTURE)
    settings = f"seed {seed}, {latent.width} x {latent.height}, {latent.steps} steps"
    _write(image, latent.text, size, size, anchor="la")
    bottom = image.height - size // 2
    _write(image, f"{settings}: a demo, no model", size // 2, bottom, anchor="ld")
    return image


def _write(image: Image.Image, text: str, size: int, y: int, *, anchor: str) -> None:
    """Write *text* downwards from *y* (anchor "la"), or up to it ("ld"), whatever its lines."""
    lines = textwrap.wrap(text, width=max(4, image.width * 9 // (size * 5)))
    shown = "\n".join(lines[: max(1, image.height // size - 4)])
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).multiline_text(
        (size, y), shown, "white", font, anchor, stroke_width=1, stroke_fill="black"
    )


def _whole(default: int, low: int, high: int) -> list[Any]:
    return ["INT", {"default": default, "min": low, "max": high}]


def _decimal(default: float, high: float) -> list[Any]:
    return ["FLOAT", {"default": default, "min": 0.0, "max": high, "step": 0.01}]


def _text(default: str = "") -> list[Any]:
    return ["STRING", {"default": default, "multiline": True}]


def _choice(*values: str, **options: object) -> list[Any]:
    return [values, options]


def _links(**kinds: str) -> dict[str, list[Any]]:
    return {name: [kind, {}] for name, kind in kinds.items()}


_SIZE = {
    "width": _whole(512, 1, _LARGEST),
    "height": _whole(512, 1, _LARGEST),
    "batch_size": _whole(1, 1, 8),
}
_SAMPLER = {
    **_links(model="MODEL", positive="CONDITIONING", negative="CONDITIONING"),
    **_links(latent_image="LATENT"),
    "seed": _whole(0, 0, 2**64 - 1),
    "steps": _whole(20, 1, 10_000),
    "cfg": _decimal(8.0, 100.0),
    "sampler_name": _choice("euler", "euler_ancestral", "heun", "dpmpp_2m", "dpmpp_sde", "ddim"),
    "scheduler": _choice("simple", "sgm_uniform", "karras", "exponential", "beta", "normal"),
    "denoise": _decimal(1.0, 1.0),
}
CLASSES = {
    "CheckpointLoaderSimple": NodeClass(
        _load_checkpoint, {"ckpt_name": _choice("standin.safetensors")}, ("MODEL", "CLIP", "VAE")
    ),
    "CLIPTextEncode": NodeClass(
        _encode, {"text": _text(), **_links(clip="CLIP")}, ("CONDITIONING",)
    ),
    "EmptyLatentImage": NodeClass(_empty_latent, _SIZE, ("LATENT",)),
    "KSampler": NodeClass(_sample, _SAMPLER, ("LATENT",)),
    "VAEDecode": NodeClass(_decode, _links(samples="LATENT", vae="VAE"), ("IMAGE",)),
    "EmptyImage": NodeClass(_empty_image, {**_SIZE, "color": _whole(0, 0, 0xFFFFFF)}, ("IMAGE",)),
    "LoadImage": NodeClass(_load_image, {"image": _choice(image_upload=True)}, ("IMAGE", "MASK")),
    "SaveImage": NodeClass(
        _save, {**_links(images="IMAGE"), "filename_prefix": _text("ComfyUI")}, ()
    ),
}
