"""Images that people send: what they are by their bytes, and whether we take them."""

import struct
import warnings
import zlib
from enum import StrEnum
from io import BytesIO

from msgspec import Struct
from PIL import Image

_TAKEN = {
    "PNG": ("image/png", "png"),
    "JPEG": ("image/jpeg", "jpg"),
    "MPO": ("image/jpeg", "jpg"),  # a JPEG with more pictures behind it, as phones make them
    "WEBP": ("image/webp", "webp"),
    "GIF": ("image/gif", "gif"),
}
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_OTHER_MAGIC = (b"BM", b"II*\0", b"MM\0*", b"8BPS", b"\0\0\1\0", b"\xff\x0a", b"\0\0\0\x0cJXL ")
_SMALLEST_FRAME = 4096
"""Pixels a frame counts at least: a million frames of one pixel are a bomb as well."""

BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow raises for bytes that it cannot read; there is no common base."""


class ImageProblem(StrEnum):
    """Why an image is refused. Stable; documented in docs/errors.md."""

    NOT_AN_IMAGE = "not_an_image"
    TYPE_NOT_SUPPORTED = "image_type_not_supported"
    TOO_LARGE_BYTES = "image_too_large_bytes"
    TOO_MANY_PIXELS = "image_too_many_pixels"
    TRUNCATED = "image_truncated"
    TOO_SLOW = "image_too_slow"


class ImageRefused(Exception):
    """We do not take this image."""

    def __init__(self, code: ImageProblem, message: str, **params: str) -> None:
        self.code = code
        self.params = params
        """What the placeholders of the code's message in the catalogue stand for."""

        super().__init__(message)


class ImageFacts(Struct, frozen=True, kw_only=True):
    """What an image is."""

    media_type: str
    extension: str
    """Without its dot."""

    width: int
    """In pixels, as stored; an orientation in EXIF is not applied."""

    height: int
    frames: int


def inspect_image_now(data: bytes, *, max_bytes: int, max_pixels: int) -> ImageFacts:
    """Return what an image is; its name and declared type do not matter.

    *max_pixels* counts over all frames, and is decided before anything is decoded.

    Raises:
        ImageRefused: it is none, of a kind we do not take, too large, or damaged.

    """
    if len(data) > max_bytes:
        raise ImageRefused(
            ImageProblem.TOO_LARGE_BYTES,
            f"the image has {len(data)} bytes; at most {max_bytes} are taken",
            bytes=str(len(data)),
            limit=str(max_bytes),
        )
    # For the whole process, since Python cannot silence one thread: this is about the sender's
    # bytes, and the sender gets an answer.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    with _opened(data, max_pixels) as image:
        facts = _facts(image)
        _check_pixels(*image.size, frames=facts.frames, limit=max_pixels)
        _decode(image, facts.frames, max_pixels)
    return facts


def _opened(data: bytes, max_pixels: int) -> Image.Image:
    try:
        return Image.open(BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        # Pillow refuses by itself what is far too large, and gives the size in words only.
        least = 2 * (Image.MAX_IMAGE_PIXELS or max_pixels)
        raise ImageRefused(
            ImageProblem.TOO_MANY_PIXELS, str(error), pixels=f">{least}", limit=str(max_pixels)
        ) from error
    except BROKEN as error:
        raise _unreadable(data) from error


def _unreadable(data: bytes) -> ImageRefused:
    if data.startswith(_MAGIC) or _riff_type(data) == b"WEBP":
        return damaged()
    if data.startswith(_OTHER_MAGIC) or data[4:8] == b"ftyp" or b"<svg" in data[:1024]:
        return ImageRefused(
            ImageProblem.TYPE_NOT_SUPPORTED, "images must be PNG, JPEG, WebP or GIF"
        )
    return ImageRefused(ImageProblem.NOT_AN_IMAGE, "this is not an image")


def _riff_type(data: bytes) -> bytes:
    return data[8:12] if data.startswith(b"RIFF") else b""


def damaged() -> ImageRefused:
    """Build the refusal of an image that cannot be read to its end."""
    return ImageRefused(ImageProblem.TRUNCATED, "the image is damaged or not complete")


def _facts(image: Image.Image) -> ImageFacts:
    media_type, extension = _TAKEN[image.format or ""]
    try:
        # Behind an MPO's first picture are previews and depth maps; ComfyUI reads only the first.
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    except BROKEN as error:
        raise damaged() from error
    return ImageFacts(
        media_type=media_type,
        extension=extension,
        width=image.width,
        height=image.height,
        frames=frames,
    )


def _check_pixels(width: int, height: int, *, frames: int, limit: int) -> None:
    frame = width * height
    pixels = frame if frames == 1 else frames * max(frame, _SMALLEST_FRAME)
    if pixels > limit:
        raise ImageRefused(
            ImageProblem.TOO_MANY_PIXELS,
            f"the image has {pixels} pixels over all frames; at most {limit} are taken",
            pixels=str(pixels),
            limit=str(limit),
        )


def _decode(image: Image.Image, frames: int, max_pixels: int) -> None:
    """Read every frame to its end; a JPEG at an eighth of its size, which reads as much."""
    image.draft(None, (1, 1))
    try:
        for frame in range(frames):
            image.seek(frame)
            # A GIF's later frame may be larger than its header says.
            _check_pixels(*image.size, frames=frames, limit=max_pixels)
            image.load()
    except BROKEN as error:
        raise damaged() from error
