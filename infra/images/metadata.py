"""Reads the graphs that ComfyUI writes into its pictures: PNG texts, EXIF in WebP and others."""

import struct
from collections.abc import Iterator
from io import BytesIO

from PIL import Image

from infra.images.accepted import BROKEN

GRAPH_TEXTS = ("prompt", "workflow")
"""What ComfyUI names them: the graph in API format, and the editor's."""

_FORMATS = ("PNG", "WEBP", "JPEG")

_PNG = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">I4s")
_CHECKSUM = 4
"""A PNG is its signature and chunks: length, kind, content, checksum."""


def read_graph_texts(data: bytes) -> dict[str, str] | None:
    """Return the texts of the graphs in a picture by name; None if it is no picture."""
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as picture:
            texts = [*_png_texts(picture), *_exif_texts(picture)]
            texts += _chunk_texts(data) if picture.format == "PNG" else ()
    except BROKEN:
        return None
    return {name: text for name, text in texts if name in GRAPH_TEXTS}


def _png_texts(picture: Image.Image) -> Iterator[tuple[str, str]]:
    for name, text in picture.info.items():
        if isinstance(name, str) and isinstance(text, str):
            yield name, text


def _exif_texts(picture: Image.Image) -> Iterator[tuple[str, str]]:
    """Yield what stands in EXIF as one text, "workflow:{…}"."""
    for value in picture.getexif().values():
        name, colon, text = value.partition(":") if isinstance(value, str) else ("", "", "")
        if colon:
            yield name, text


def _chunk_texts(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the texts of ComfyUI's own chunks, which stand behind the frames of an animation."""
    at = len(_PNG)
    while at + _HEAD.size <= len(data):
        length, kind = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if kind == b"comf":
            name, _, text = data[at : at + length].partition(b"\0")
            yield name.decode("latin-1"), text.decode("latin-1")
        at += length + _CHECKSUM
