"""What a thumbnail of an image costs, beside the bare decoding, scaling and encoding."""

import resource
import time
from collections.abc import AsyncIterator
from io import BytesIO

from PIL import Image

from events.run.thumbnails import LONGEST_SIDE, MOST_PIXELS
from infra.images.thumbnail_process import thumbnail_of
from infra.images.thumbnails import draw_thumbnail
from tests.bench.numbers import median
from tests.bench.scale import Scale, Told
from tests.bench.stack import Stack
from tests.bench.table import Chapter, Row

SIDE = 1024
PIECE = 256 * 1024
HOW = """A PNG of 1024², 1.3 MB, half a gradient and half noise, as a worker draws it: in a process
of its own, fed from memory. CPU is that of the process, user and system. Ceiling: the same
decoding, scaling and encoding in a process that runs already."""


async def chapter(_stack: Stack, scale: Scale, told: Told) -> Chapter:
    """Measure one thumbnail after the other."""
    told("thumbnails")
    image = _image()
    rounds = scale.rounds * 5
    drawn = [await _draw(image) for _ in range(rounds)]
    bare = [_bare(image) for _ in range(rounds)]
    cpu, wall = median([cpu for cpu, _ in drawn]), median([wall for _, wall in drawn])
    row = Row(
        what=f"thumbnail of a PNG of {SIDE}²: CPU",
        measured=f"{cpu * 1000:.0f} ms; {wall * 1000:.0f} ms by the clock",
        ceiling=f"bare {median(bare) * 1000:.0f} ms",
        ratio=f"{cpu / median(bare):.1f}",
    )
    return Chapter(title="Thumbnails", how=HOW, rows=(row,))


def _image() -> bytes:
    slope = Image.linear_gradient("L").resize((SIDE, SIDE))
    noise = Image.effect_noise((SIDE, SIDE), 20)
    buffer = BytesIO()
    Image.merge("RGB", (slope, noise, slope.rotate(90))).save(buffer, "PNG")
    return buffer.getvalue()


async def _draw(image: bytes) -> tuple[float, float]:
    before, began = _cpu_of_children(), time.perf_counter()
    await draw_thumbnail(_pieces(image))
    return _cpu_of_children() - before, time.perf_counter() - began


def _bare(image: bytes) -> float:
    began = time.process_time()
    thumbnail_of(image, side=LONGEST_SIDE, max_pixels=MOST_PIXELS)
    return time.process_time() - began


async def _pieces(image: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(image), PIECE):
        yield image[start : start + PIECE]


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
