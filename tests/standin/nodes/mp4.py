"""Writes an MP4 file of JPEG pictures (ISO/IEC 14496-12): a real video without a video encoder."""

import io
import struct
from collections.abc import Sequence

from PIL import Image

_UNITS_A_SECOND = 90_000
_IDENTITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_UNDETERMINED = 0x55C4
"""The language "und", as ISO-639-2/T packs it."""


def motion_jpeg(frames: Sequence[Image.Image], fps: float) -> bytes:
    """Return the bytes of an .mp4 file that shows *frames*."""
    pictures = [_jpeg(frame) for frame in frames]
    kind = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isom", b"mp41")
    offset = len(kind) + 8
    tick = int(_UNITS_A_SECOND / fps)
    return kind + _box(b"mdat", *pictures) + _movie(pictures, offset, tick, frames[0].size)


def _jpeg(frame: Image.Image) -> bytes:
    buffer = io.BytesIO()
    frame.convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + kind + content


def _full(kind: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


def _movie(pictures: Sequence[bytes], offset: int, tick: int, size: tuple[int, int]) -> bytes:
    length = tick * len(pictures)
    times = struct.pack(">4I", 0, 0, _UNITS_A_SECOND, length)
    header = _full(
        b"mvhd", times, struct.pack(">IHxx8x", 0x10000, 0x100), _IDENTITY, bytes(24), b"\0\0\0\2"
    )
    shape = struct.pack(">II", size[0] << 16, size[1] << 16)
    track = _full(
        b"tkhd", struct.pack(">5I", 0, 0, 1, 0, length), bytes(16), _IDENTITY, shape, flags=3
    )
    media = _box(
        b"mdia",
        _full(b"mdhd", times, struct.pack(">HH", _UNDETERMINED, 0)),
        _full(b"hdlr", bytes(4), b"vide", bytes(12), b"video\0"),
        _box(
            b"minf",
            _full(b"vmhd", bytes(8), flags=1),
            _box(b"dinf", _full(b"dref", b"\0\0\0\1", _full(b"url ", flags=1))),
            _samples(pictures, offset, tick, size),
        ),
    )
    return _box(b"moov", header, _box(b"trak", track, media))


def _samples(pictures: Sequence[bytes], offset: int, tick: int, size: tuple[int, int]) -> bytes:
    count = len(pictures)
    entry = _box(
        b"jpeg",
        struct.pack(">6xH16xHH", 1, *size),
        struct.pack(">III H32xHh", 0x480000, 0x480000, 0, 1, 24, -1),
    )
    return _box(
        b"stbl",
        _full(b"stsd", b"\0\0\0\1", entry),
        _full(b"stts", struct.pack(">III", 1, count, tick)),
        _full(b"stsc", struct.pack(">4I", 1, 1, count, 1)),
        _full(
            b"stsz", struct.pack(">II", 0, count), *(struct.pack(">I", len(p)) for p in pictures)
        ),
        _full(b"stco", struct.pack(">II", 1, offset)),
    )
