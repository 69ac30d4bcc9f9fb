"""The size of an image that streams by, from its first bytes, without decoding it.

Pillow's incremental parser is no help here: it allocates the whole picture, and wants all of a
WebP and all the text of a PNG (where ComfyUI keeps its workflow) before it tells the size.
"""

import struct
from collections.abc import Callable

_ENOUGH = 256 * 1024
"""Bytes looked at, at most: room for a JPEG's EXIF, thumbnail and colour profile."""

_MARKER = 0xFF
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers that begin a frame, which has the size (ITU T.81, table B.1)."""

_MOST_SEGMENTS = 1000
_14_BITS = 0x3FFF

Size = tuple[int, int]
"""Width and height in pixels, as stored."""


class ImageSizeSniffer:
    """Learns an image's size while it is fed the file; holds 256 KiB at most."""

    def __init__(self) -> None:
        self._head = bytearray()
        self.size: Size | None = None
        """None while not known, and for what is no PNG, JPEG, WebP or GIF."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file."""
        if self.size is None and len(self._head) < _ENOUGH:
            self._head += chunk[: _ENOUGH - len(self._head)]
            self.size = image_size(self._head)


def image_size(head: bytes | bytearray) -> Size | None:
    """Return width and height of the image that begins with *head*; None if that does not say."""
    for magic, read in _READERS.items():
        if head.startswith(magic):
            try:
                return read(head)
            except struct.error:  # the field lies behind what we have
                return None
    return None


def _png(head: bytes | bytearray) -> Size:
    width, height = struct.unpack_from(">II", head, 16)
    return width, height


def _gif(head: bytes | bytearray) -> Size:
    width, height = struct.unpack_from("<HH", head, 6)
    return width, height


def _jpeg(head: bytes | bytearray) -> Size | None:
    """Walk over the segments to the first that begins a frame."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        marker, kind, length = struct.unpack_from(">BBH", head, at)
        if marker != _MARKER:
            return None
        if kind in _FRAMES:
            height, width = struct.unpack_from(">HH", head, at + 5)
            return width, height
        at += 1 if kind == _MARKER else 2 + length  # a marker may be padded with more FFs
    return None


def _webp(head: bytes | bytearray) -> Size | None:
    """Read the first chunk: extended, lossless or lossy (RFC 9649 §2.5, §2.6, §2.7)."""
    riff_type, kind, payload = struct.unpack_from("<8x4s4s4x10s", head)
    if riff_type != b"WEBP":
        return None
    if kind == b"VP8X":
        return _number(payload[4:7]) + 1, _number(payload[7:10]) + 1
    if kind == b"VP8L":
        bits = _number(payload[1:5])
        return (bits & _14_BITS) + 1, (bits >> 14 & _14_BITS) + 1
    if kind == b"VP8 ":
        return _number(payload[6:8]) & _14_BITS, _number(payload[8:10]) & _14_BITS
    return None


def _number(field: bytes) -> int:
    return int.from_bytes(field, "little")


_READERS: dict[bytes, Callable[[bytes | bytearray], Size | None]] = {
    b"\x89PNG\r\n\x1a\n": _png,
    b"GIF87a": _gif,
    b"GIF89a": _gif,
    b"\xff\xd8": _jpeg,
    b"RIFF": _webp,
}
