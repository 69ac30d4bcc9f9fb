"""Draws a thumbnail in a process of its own; its arguments are SIDE and PIXELS, the limits.

Reads an image or a film, writes a WebP, or the reason why there is none. It imports little: most
of its time goes into starting. What it decodes came from a machine, so it bounds itself before it
begins.
"""

import os
import resource
import sys
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF")
_QUALITIES = (80, 60, 40)
_LAST_QUALITY = 20
_MOST_BYTES = 48 * 1024
"""Of a thumbnail; what is larger is made once more, with less quality."""

_MEMORY = 512 * 1024 * 1024
"""Bytes of address space: 50 million pixels take 220 MB as PNG in RGB, and 500 MB with 16 bits."""

_CPU_SECONDS = 20
"""50 million pixels take one or two."""

_NICE = 10
"""Others that want the same core have nine tenths of it; a thumbnail still comes within seconds."""

_OF_PROCESS = {"autogroup": str(_NICE), "oom_score_adj": "1000"}
"""Linux compares sessions before it compares processes; this one is a session of its own. When
memory is short, the kernel ends this process and no other."""


class TooManyPixels(Exception):
    """The image is larger than a thumbnail is drawn of."""


def thumbnail_of(data: bytes, *, side: int, max_pixels: int) -> bytes:
    """Return an image's or a film's first frame as a WebP of *side* pixels on its longest side.

    Raises:
        Exception: whatever Pillow raises for what it cannot read; there is no common base.
        TooManyPixels: decoding it would take too much memory.

    """
    with _opened(data, max_pixels) as image:
        if image.width * image.height > max_pixels:
            raise TooManyPixels(f"{image.width}x{image.height}, {max_pixels} pixels at most")
        small = _upright(image, side)
    saved = (_saved(small, quality) for quality in _QUALITIES)
    return next((webp for webp in saved if len(webp) <= _MOST_BYTES), _saved(small, _LAST_QUALITY))


def _opened(data: bytes, max_pixels: int) -> Image.Image:
    try:
        return Image.open(BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError:
        # FFmpeg takes as long to load as an image to draw, and images do without it.
        from infra.images.first_frame import first_frame  # noqa: PLC0415

        return first_frame(data, max_pixels=max_pixels)


def _saved(image: Image.Image, quality: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=quality)
    return buffer.getvalue()


def _upright(image: Image.Image, side: int) -> Image.Image:
    image.draft("RGB", (side, side))  # A JPEG is decoded at a fraction of its size.
    whole = _even(image)
    whole.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    turned = ImageOps.exif_transpose(whole)
    return turned.convert("RGBA" if turned.has_transparency_data else "RGB")


def _even(image: Image.Image) -> Image.Image:
    """Return an image whose pixels can be averaged; of palettes and 16 bits they cannot."""
    if image.mode in {"1", "P", "PA", "LA"}:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image


def _bound() -> None:
    os.nice(_NICE)
    for name, value in _OF_PROCESS.items():
        with suppress(OSError):  # Not every system has it.
            Path("/proc/self", name).write_text(value)
    with suppress(ValueError, OSError):  # Less is allowed already, or the system has no such limit.
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))


def main() -> None:
    """Bound this process, read the image, and answer."""
    side, max_pixels = map(int, sys.argv[1:])
    _bound()
    try:
        answer = thumbnail_of(sys.stdin.buffer.read(), side=side, max_pixels=max_pixels)
    except Exception as error:  # noqa: BLE001 -- whatever it is, there is no thumbnail
        answer = f"{type(error).__name__}: {error}".encode()
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main()
