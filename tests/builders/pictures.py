"""Pictures made on the spot, for tests."""

import random
from io import BytesIO

from PIL import Image


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
