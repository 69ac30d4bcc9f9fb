"""The image classes: make, load, change and save pictures."""

import asyncio
import json
import secrets
import string as letters
from collections.abc import Callable

from PIL import Image, ImageOps, PngImagePlugin

from tests.standin.nodes.node import (
    SAVED_WITH,
    Call,
    NodeClass,
    Result,
    choice,
    integer,
    link,
    saved_entry,
    string,
)
from tests.standin.nodes.values import Mask, Pictures

_TEMP_PREFIX = "ComfyUI_temp_" + "".join(secrets.choice(letters.ascii_lowercase) for _ in range(5))
_QUICK, _SMALL = 1, 4
"""Compression levels of previews and of what is kept."""


async def _empty(call: Call) -> Result:
    colour = call.get("color", int)
    rgb = (colour >> 16 & 255, colour >> 8 & 255, colour & 255)
    frame = Image.new("RGB", (call.get("width", int), call.get("height", int)), rgb)
    return Result(values=(Pictures((frame,) * call.get("batch_size", int)),))


async def _invert(call: Call) -> Result:
    return _changed(call, lambda frame: ImageOps.invert(frame.convert("RGB")))


async def _scale(call: Call) -> Result:
    size = (call.get("width", int), call.get("height", int))
    method = Image.Resampling[_RESAMPLING[call.get("upscale_method", str)]]
    if call.get("crop", str) == "center":
        return _changed(call, lambda frame: ImageOps.fit(frame, size, method))
    return _changed(call, lambda frame: frame.resize(size, method))


_RESAMPLING = {
    "nearest-exact": "NEAREST",
    "bilinear": "BILINEAR",
    "area": "BOX",
    "bicubic": "BICUBIC",
    "lanczos": "LANCZOS",
}


def _changed(call: Call, change: Callable[[Image.Image], Image.Image]) -> Result:
    return Result(values=(Pictures(tuple(map(change, call.get("image", Pictures).frames))),))


async def _load(call: Call) -> Result:
    image = _opened(call)
    alpha = ImageOps.invert(image.convert("RGBA").getchannel("A"))
    return Result(values=(Pictures((image.convert("RGB"),)), Mask((alpha,))))


async def _batch(call: Call) -> Result:
    first, second = call.get("image1", Pictures), call.get("image2", Pictures)
    size = first.frames[0].size
    frames = (*first.frames, *(frame.resize(size) for frame in second.frames))
    return Result(values=(Pictures(frames),))


async def _load_mask(call: Call) -> Result:
    channel = call.get("channel", str)
    band = _opened(call).convert("RGBA").getchannel(channel[0].upper())
    return Result(values=(Mask((ImageOps.invert(band) if channel == "alpha" else band,)),))


def _opened(call: Call) -> Image.Image:
    with Image.open(call.folders.annotated(call.get("image", str))) as file:
        return ImageOps.exif_transpose(file)


async def _join_alpha(call: Call) -> Result:
    pictures, masks = call.get("image", Pictures).frames, call.get("alpha", Mask).frames
    joined = []
    for index, picture in enumerate(pictures):
        frame = picture.convert("RGBA")
        frame.putalpha(ImageOps.invert(masks[index % len(masks)].resize(frame.size)))
        joined.append(frame)
    return Result(values=(Pictures(tuple(joined)),))


async def _split_alpha(call: Call) -> Result:
    frames = [frame.convert("RGBA") for frame in call.get("image", Pictures).frames]
    alphas = tuple(ImageOps.invert(frame.getchannel("A")) for frame in frames)
    return Result(values=(Pictures(tuple(f.convert("RGB") for f in frames)), Mask(alphas)))


async def _save(call: Call) -> Result:
    return await _saved(call, call.get("filename_prefix", str), "output", _SMALL)


async def _preview(call: Call) -> Result:
    return await _saved(call, _TEMP_PREFIX, "temp", _QUICK)


async def _saved(call: Call, prefix: str, kind: str, level: int) -> Result:
    pictures = call.get("images", Pictures)
    place = call.folders.save_path(prefix, kind)
    notes = PngImagePlugin.PngInfo()
    for name, value in call.metadata.items():
        notes.add_text(name, json.dumps(value))
    entries = []
    for index, frame in enumerate(pictures.frames):
        name = place.name(index, "png")
        await asyncio.to_thread(
            frame.save, place.folder / name, format="PNG", pnginfo=notes, compress_level=level
        )
        entries.append(saved_entry(name, place.subfolder, kind))
    return Result(values=(pictures,), shown={"images": entries})


_PIXELS = {"step": 1}

CLASSES = (
    NodeClass(
        name="EmptyImage",
        run=_empty,
        title="Empty Image",
        category="image",
        inputs={
            "width": integer(512, 1, 16384, **_PIXELS),
            "height": integer(512, 1, 16384, **_PIXELS),
            "batch_size": integer(1, 1, 4096),
            "color": integer(0, 0, 0xFFFFFF, step=1, display="color"),
        },
        outputs=("IMAGE",),
    ),
    NodeClass(
        name="ImageInvert",
        run=_invert,
        title="Invert Image Colors",
        category="image/color",
        inputs={"image": link("IMAGE")},
        outputs=("IMAGE",),
    ),
    NodeClass(
        name="ImageScale",
        run=_scale,
        title="Upscale Image",
        category="image/upscaling",
        inputs={
            "image": link("IMAGE"),
            "upscale_method": choice(*_RESAMPLING),
            "width": integer(512, 0, 16384, **_PIXELS),
            "height": integer(512, 0, 16384, **_PIXELS),
            "crop": choice("disabled", "center"),
        },
        outputs=("IMAGE",),
    ),
    NodeClass(
        name="LoadImage",
        run=_load,
        title="Load Image",
        category="image",
        inputs={"image": choice(image_upload=True)},
        outputs=("IMAGE", "MASK"),
    ),
    NodeClass(
        name="ImageBatch",
        run=_batch,
        title="Batch Images",
        category="image",
        inputs={"image1": link("IMAGE"), "image2": link("IMAGE")},
        outputs=("IMAGE",),
    ),
    NodeClass(
        name="LoadImageMask",
        run=_load_mask,
        title="Load Image (as Mask)",
        category="image",
        inputs={
            "image": choice(image_upload=True),
            "channel": choice("alpha", "red", "green", "blue"),
        },
        outputs=("MASK",),
    ),
    NodeClass(
        name="JoinImageWithAlpha",
        run=_join_alpha,
        title="Join Image with Alpha",
        category="image/compositing",
        inputs={"image": link("IMAGE"), "alpha": link("MASK")},
        outputs=("IMAGE",),
    ),
    NodeClass(
        name="SplitImageWithAlpha",
        run=_split_alpha,
        title="Split Image with Alpha",
        category="image/compositing",
        inputs={"image": link("IMAGE")},
        outputs=("IMAGE", "MASK"),
    ),
    NodeClass(
        name="SaveImage",
        run=_save,
        title="Save Image",
        category="image",
        inputs={"images": link("IMAGE"), "filename_prefix": string("ComfyUI")},
        outputs=("IMAGE",),
        output_names=("images",),
        saves=True,
        hidden=SAVED_WITH,
    ),
    NodeClass(
        name="PreviewImage",
        run=_preview,
        title="Preview Image",
        category="image",
        inputs={"images": link("IMAGE")},
        outputs=("IMAGE",),
        output_names=("images",),
        saves=True,
        hidden=SAVED_WITH,
    ),
)
