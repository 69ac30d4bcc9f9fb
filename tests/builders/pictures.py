"""Pictures made on the spot, for tests."""

import random
import struct
import zlib
from io import BytesIO

from PIL import Image

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def picture(width: int = 60, height: int = 40, seed: int = 1) -> Image.Image:
    noise = random.Random(seed).randbytes(width * height * 3)
    return Image.frombytes("RGB", (width, height), noise)


def saved(file_format: str, *frames: Image.Image, **options: object) -> bytes:
    first, *rest = frames or (picture(),)
    buffer = BytesIO()
    more = {"save_all": True, "append_images": rest} if rest else {}
    first.save(buffer, file_format, **more, **options)
    return buffer.getvalue()


def movie(file_format: str, count: int = 3) -> bytes:
    return saved(file_format, *(picture(seed=seed) for seed in range(count)))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_size(width: int, height: int, *, rows: int) -> bytes:
    """Make a PNG of one colour that says *height* and holds *rows*."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((1 + (width + 7) // 8) * rows))
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")
    return PNG_MAGIC + body
