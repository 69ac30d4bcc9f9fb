"""Reads the graphs that ComfyUI writes into its pictures: PNG texts, EXIF in WebP and others."""

from collections.abc import Iterator
from io import BytesIO

from PIL import Image

from infra.images import BROKEN

GRAPH_TEXTS = ("prompt", "workflow")
"""What ComfyUI names them: the graph in API format, and the editor's."""

_FORMATS = ("PNG", "WEBP", "JPEG")


def read_graph_texts(data: bytes) -> dict[str, str] | None:
    """Return the texts of the graphs in a picture by name; None if it is no picture."""
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as picture:
            texts = [*_png_texts(picture), *_exif_texts(picture)]
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
