"""Draws what a model would: a colour field of the seed with the prompt written over it."""

import random
import textwrap

from PIL import Image, ImageDraw, ImageFont, ImageOps

_SMALLEST_FONT = 9
_LINES_A_PICTURE = 16
_SMALLEST_WITH_TEXT = 48
"""Pixels; below, no letter would be readable."""


def drawn(text: str, seed: int, width: int, height: int) -> Image.Image:
    """Draw a picture of *width* times *height* pixels; equal arguments give equal pixels."""
    image = _colour_field(seed, width, height)
    if text and min(width, height) >= _SMALLEST_WITH_TEXT:
        _write(image, text)
    return image


def _colour_field(seed: int, width: int, height: int) -> Image.Image:
    rng = random.Random(seed)
    hue = rng.randrange(360)
    shades = (f"hsl({hue}, 60%, 22%)", f"hsl({hue + 40}, 55%, 45%)", f"hsl({hue + 80}, 70%, 70%)")
    slope = Image.linear_gradient("L").rotate(rng.randrange(4) * 90)
    glow = ImageOps.invert(Image.radial_gradient("L"))
    field = Image.blend(slope, glow, 0.25 + rng.random() / 2).resize((width, height))
    return ImageOps.colorize(field, shades[0], shades[2], shades[1])


def _write(image: Image.Image, text: str) -> None:
    size = max(_SMALLEST_FONT, min(image.size) // _LINES_A_PICTURE)
    font = ImageFont.load_default(size)
    lines = textwrap.wrap(text, width=max(4, image.width * 9 // (size * 5)))
    draw = ImageDraw.Draw(image)
    spot = (size, size)
    wrapped = "\n".join(lines[: max(1, image.height // size - 2)])
    draw.multiline_text((spot[0] + 1, spot[1] + 1), wrapped, fill="black", font=font)
    draw.multiline_text(spot, wrapped, fill="white", font=font)
