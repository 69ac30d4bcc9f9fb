"""Thumbnails: how one looks, and that an image does no harm while it is drawn."""

import asyncio
import os
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from events.run.thumbnails import LONGEST_SIDE, MOST_PIXELS
from infra.images.thumbnail_process import thumbnail_of
from infra.images.thumbnails import NoThumbnail, draw_thumbnail
from tests.builders.pictures import movie, picture, png_of_size, saved
from tests.observe.decoders import decoders

BLUE = (20, 60, 200)


def drawn(data: bytes, side: int = LONGEST_SIDE) -> Image.Image:
    answer = thumbnail_of(data, side=side, max_pixels=MOST_PIXELS)
    image = Image.open(BytesIO(answer))
    assert image.format == "WEBP"
    return image


def plain(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", size, BLUE).convert(mode)


def near(image: Image.Image, at: tuple[int, int]) -> tuple[int, ...]:
    """Return a pixel's colour, to within what WebP changes."""
    pixel = image.convert("RGB").getpixel(at)
    assert isinstance(pixel, tuple)
    return tuple(round(value / 20) for value in pixel)


async def pieces(data: bytes, size: int = 65536) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1024, 1024), (384, 384)),
        ((1024, 512), (384, 192)),
        ((90, 900), (38, 384)),
        ((60, 40), (60, 40)),
        ((3000, 2), (384, 1)),
    ],
)
def test_a_thumbnail_keeps_the_shape_and_is_never_larger_than_its_image(
    file_format: str, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    found = drawn(saved(file_format, plain(size)))

    assert found.size == expected
    assert near(found, (expected[0] // 2, expected[1] // 2)) == (1, 3, 10)


@pytest.mark.parametrize(
    ("file_format", "mode"),
    [
        ("PNG", "1"),
        ("PNG", "L"),
        ("PNG", "LA"),
        ("PNG", "P"),
        ("PNG", "RGBA"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("GIF", "P"),
    ],
)
def test_every_mode_of_pixels_is_drawn(file_format: str, mode: str) -> None:
    white = Image.new("RGB", (800, 400), "white").convert(mode)

    found = drawn(saved(file_format, white))

    assert (found.size, near(found, (100, 100))) == ((384, 192), (13, 13, 13))


def test_sixteen_bits_of_grey_are_grey() -> None:
    depth = Image.frombytes("I;16", (600, 600), struct.pack("<H", 0x8000) * 360_000)

    assert near(drawn(saved("PNG", depth)), (10, 10)) == (6, 6, 6)


def test_transparency_stays() -> None:
    found = drawn(saved("PNG", Image.new("RGBA", (500, 500), (0, 0, 0, 0))))

    assert found.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]  # it has four


def test_a_photo_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by a quarter

    found = drawn(saved("JPEG", plain((1000, 500)), exif=exif))

    assert (found.size, len(found.getexif())) == ((192, 384), 0)


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "GIF"])
def test_of_what_moves_the_first_frame_is_shown(file_format: str) -> None:
    frames = saved(file_format, plain((500, 500)), Image.new("RGB", (500, 500), "red"))

    found = drawn(frames)

    assert getattr(found, "n_frames", 1) == 1
    assert near(found, (200, 200)) == (1, 3, 10)


def test_even_noise_is_small() -> None:
    noise = saved("PNG", picture(1024, 1024))

    assert len(thumbnail_of(noise, side=384, max_pixels=MOST_PIXELS)) <= 48 * 1024


def test_the_same_image_has_the_same_thumbnail() -> None:
    image = movie("PNG")

    one, other = (thumbnail_of(image, side=20, max_pixels=MOST_PIXELS) for _ in range(2))

    assert one == other


def test_a_graph_in_the_image_is_not_in_its_thumbnail() -> None:
    texts = PngInfo()
    texts.add_text("prompt", '{"1": "a private prompt"}')

    answer = thumbnail_of(saved("PNG", pnginfo=texts), side=384, max_pixels=MOST_PIXELS)

    assert b"private" not in answer


async def test_in_its_process_it_is_the_same() -> None:
    image = saved("PNG", plain((1024, 768)))

    answer = await draw_thumbnail(pieces(image))

    assert answer == thumbnail_of(image, side=LONGEST_SIDE, max_pixels=MOST_PIXELS)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "NoFrame: neither an image nor a film that is decoded"),
        (b"<html>hello</html>", "NoFrame: neither an image nor a film that is decoded"),
        (saved("BMP"), "NoFrame: neither an image nor a film that is decoded"),
        (saved("PNG", picture(500, 500))[:-5000], "OSError: "),
        (saved("JPEG", picture(500, 500))[:5000], "OSError: "),
        (saved("WEBP", picture(500, 500))[:5000], "OSError: "),
        (png_of_size(8000, 8000, rows=0), "TooManyPixels: 8000x8000, 50000000 pixels at most"),
        (png_of_size(40_000, 40_000, rows=0), "DecompressionBombError: "),
    ],
    ids=["nothing", "html", "bmp", "cut-png", "cut-jpeg", "cut-webp", "bomb", "huge-bomb"],
)
def test_what_cannot_be_decoded_has_none(data: bytes, reason: str) -> None:
    with pytest.raises(Exception) as none:  # noqa: PT011 -- Pillow's have no common base
        thumbnail_of(data, side=LONGEST_SIDE, max_pixels=MOST_PIXELS)

    assert f"{none.typename}: {none.value}".startswith(reason)


async def test_the_process_says_why_there_is_none() -> None:
    with pytest.raises(NoThumbnail) as none:
        await draw_thumbnail(pieces(png_of_size(8000, 8000, rows=0)))

    assert str(none.value) == "TooManyPixels: 8000x8000, 50000000 pixels at most"


@pytest.mark.parametrize(
    "largest",
    [
        pytest.param(lambda: png_of_size(7000, 7000, rows=7000), id="png"),
        pytest.param(lambda: saved("WEBP", plain((5477, 5477)), method=0, quality=0), id="webp"),
    ],
)
async def test_the_largest_image_that_is_taken_fits_into_the_memory_of_its_process(
    largest: Callable[[], bytes],
) -> None:

    answer = await draw_thumbnail(pieces(largest()))

    assert Image.open(BytesIO(answer)).size == (384, 384)


async def test_what_takes_more_memory_than_the_process_may_have_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = ("-m", "infra.images.thumbnail_process", "384", "1000000000")
    monkeypatch.setattr("infra.images.thumbnails._ARGUMENTS", arguments)
    greedy = png_of_size(13_000, 13_000, rows=13_000)

    with pytest.raises(NoThumbnail) as none:
        await draw_thumbnail(pieces(greedy))

    assert str(none.value) == "MemoryError: "


async def test_a_decoder_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.images.thumbnails.WITHIN", 0.01)

    with pytest.raises(NoThumbnail) as none:
        await draw_thumbnail(pieces(saved("PNG")))

    assert str(none.value) == "it takes longer than 0.01 s to decode"


async def test_a_decoder_that_crashes_is_an_image_without_a_thumbnail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crash = ("-c", "import os, sys; sys.stdin.buffer.read(); os.abort()")
    monkeypatch.setattr("infra.images.thumbnails._ARGUMENTS", crash)

    with pytest.raises(NoThumbnail) as none:
        await draw_thumbnail(pieces(saved("PNG")))

    assert str(none.value) == "the decoder ended with -6"


async def test_a_decoder_that_ends_before_it_has_read_is_no_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("infra.images.thumbnails._ARGUMENTS", ("-c", "pass"))

    with pytest.raises(NoThumbnail) as none:
        await draw_thumbnail(pieces(bytes(20_000_000)))

    assert str(none.value) == "the decoder ended with 0"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("print('<script>')", "<script>\n"),
        ("print('x' * 1_000_000)", "the decoder wrote more than 262144 bytes"),
    ],
)
async def test_what_a_decoder_that_was_taken_over_writes_is_not_stored(
    program: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.images.thumbnails._ARGUMENTS", ("-c", program))

    with pytest.raises(NoThumbnail) as none:
        await draw_thumbnail(pieces(saved("PNG")))

    assert str(none.value) == reason


async def test_no_secret_is_within_reach_of_a_decoder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    program = f"import os; open({str(seen)!r}, 'w').write(' '.join(os.environ))"
    monkeypatch.setattr("infra.images.thumbnails._ARGUMENTS", ("-c", program))
    monkeypatch.setenv("JWT_SECRET", "secret")

    with pytest.raises(NoThumbnail):
        await draw_thumbnail(pieces(saved("PNG")))

    assert "PATH" in seen.read_text()
    assert "JWT_SECRET" not in seen.read_text()


async def test_storage_that_breaks_off_is_not_taken_for_a_broken_image_and_ends_the_decoder() -> (
    None
):
    async def broken() -> AsyncIterator[bytes]:
        yield b"\x89PNG"
        raise InterruptedError

    with pytest.raises(InterruptedError):
        await draw_thumbnail(broken())

    assert decoders(os.getpid()) == set()


async def test_a_thumbnail_that_is_not_wanted_any_more_ends_its_decoder() -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        begun.set()
        yield b"\x89PNG"
        await asyncio.Event().wait()

    drawing = asyncio.create_task(draw_thumbnail(endless()))
    async with asyncio.timeout(30):
        await begun.wait()
    assert len(decoders(os.getpid())) == 1
    drawing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drawing

    assert decoders(os.getpid()) == set()


BOUNDS = """
import os, resource
from infra.images import thumbnail_process

thumbnail_process._bound()
limits = [resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU)]
print(os.nice(0), *limits, open("/proc/self/oom_score_adj").read())
"""


def test_a_decoder_steps_back_and_is_bounded() -> None:
    command = (sys.executable, "-c", BOUNDS)
    ended = subprocess.run(command, capture_output=True, check=True)

    behind = min(os.nice(0) + 10, 19)
    assert list(map(int, ended.stdout.split())) == [behind, 512 * 1024**2, 20, 1000]
