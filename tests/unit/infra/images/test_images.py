"""Which images are taken, and what is learnt from one that streams by."""

import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.images.accepted import (
    ImageFacts,
    ImageProblem,
    ImageRefused,
    inspect_image_now,
)
from infra.images.process import inspect_in_process
from infra.images.store import inspect_image, may_take_long
from tests.builders.pictures import movie, picture, png_of_size, saved

MANY = 50_000_000


def gif_of_frames(count: int, width: int = 1, height: int = 1) -> bytes:
    screen = b"GIF89a" + struct.pack("<HH", 1, 1) + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\2\2\x44\1\0"
    return screen + frame * count + b";"


def refusal(data: bytes, *, max_bytes: int = MANY, max_pixels: int = MANY) -> ImageProblem:
    with pytest.raises(ImageRefused) as refused:
        inspect_image_now(data, max_bytes=max_bytes, max_pixels=max_pixels)
    assert str(refused.value)
    return refused.value.code


@pytest.mark.parametrize(
    ("data", "media_type", "extension", "frames"),
    [
        (saved("PNG"), "image/png", "png", 1),
        (saved("JPEG"), "image/jpeg", "jpg", 1),
        (saved("JPEG", progressive=True), "image/jpeg", "jpg", 1),
        (saved("WEBP"), "image/webp", "webp", 1),
        (saved("GIF"), "image/gif", "gif", 1),
        (movie("PNG"), "image/png", "png", 3),
        (movie("WEBP"), "image/webp", "webp", 3),
        (movie("GIF"), "image/gif", "gif", 3),
        (movie("MPO", 2), "image/jpeg", "jpg", 1),
    ],
)
def test_an_image_is_known_by_its_bytes(
    data: bytes, media_type: str, extension: str, frames: int
) -> None:
    facts = inspect_image_now(data, max_bytes=MANY, max_pixels=MANY)

    assert facts == ImageFacts(
        media_type=media_type, extension=extension, width=60, height=40, frames=frames
    )


@pytest.mark.parametrize("inspect", [inspect_image, inspect_in_process])
async def test_beside_the_event_loop_it_is_the_same(inspect: Callable[..., Any]) -> None:
    facts = await inspect(saved("PNG"), max_bytes=MANY, max_pixels=MANY)

    assert facts == inspect_image_now(saved("PNG"), max_bytes=MANY, max_pixels=MANY)


@pytest.mark.parametrize("inspect", [inspect_image, inspect_in_process])
async def test_a_refusal_beside_the_event_loop_is_the_same(inspect: Callable[..., Any]) -> None:
    with pytest.raises(ImageRefused) as here:
        inspect_image_now(saved("PNG"), max_bytes=MANY, max_pixels=100)
    with pytest.raises(ImageRefused) as there:
        await inspect(saved("PNG"), max_bytes=MANY, max_pixels=100)

    assert (there.value.code, str(there.value), there.value.params) == (
        *(here.value.code, str(here.value), here.value.params),
    )


@pytest.mark.parametrize(
    ("data", "process"),
    [
        (saved("PNG"), False),
        (png_of_size(2000, 1001, rows=1), True),
        (saved("PNG") + bytes(1024 * 1024), True),
    ],
    ids=["small", "pixels", "bytes"],
)
def test_what_may_take_long_gets_a_process(data: bytes, process: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    assert may_take_long(data) is process


async def test_a_decoder_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.images.process.WITHIN", 0.01)
    with pytest.raises(ImageRefused) as refused:
        await inspect_in_process(saved("PNG"), max_bytes=MANY, max_pixels=MANY)

    assert refused.value.code is ImageProblem.TOO_SLOW


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"<html></html>", b"RIFF\0\0\0\0WAVEfmt ", b"%PDF-1.7"]
)
def test_what_is_no_image_is_refused(data: bytes) -> None:
    assert refusal(data) is ImageProblem.NOT_AN_IMAGE


@pytest.mark.parametrize(
    "data",
    [
        saved("BMP"),
        saved("TIFF"),
        saved("ICO"),
        saved("AVIF"),
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    ],
    ids=["bmp", "tiff", "ico", "avif", "svg"],
)
def test_a_kind_of_image_that_is_not_taken_is_named_as_such(data: bytes) -> None:
    assert refusal(data) is ImageProblem.TYPE_NOT_SUPPORTED


def test_too_many_bytes_are_refused_unread() -> None:
    with pytest.raises(ImageRefused) as refused:
        inspect_image_now(b"x" * 11, max_bytes=10, max_pixels=MANY)

    assert refused.value.code is ImageProblem.TOO_LARGE_BYTES
    assert refused.value.params == {"bytes": "11", "limit": "10"}


@pytest.mark.parametrize("size", [(8000, 8000), (10_000, 10_000), (40_000, 40_000)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    bomb = png_of_size(*size, rows=0)

    assert refusal(bomb) is ImageProblem.TOO_MANY_PIXELS


def test_as_many_pixels_as_allowed_are_taken() -> None:
    data = png_of_size(100, 100, rows=100)

    assert inspect_image_now(data, max_bytes=MANY, max_pixels=10_000).frames == 1
    assert refusal(data, max_pixels=9_999) is ImageProblem.TOO_MANY_PIXELS


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "GIF"])
def test_pixels_count_over_all_frames(file_format: str) -> None:
    data = saved(file_format, *(picture(100, 100, seed) for seed in range(3)))

    assert inspect_image_now(data, max_bytes=MANY, max_pixels=30_000).frames == 3
    assert refusal(data, max_pixels=29_999) is ImageProblem.TOO_MANY_PIXELS


def test_a_million_tiny_frames_are_a_bomb() -> None:
    assert refusal(gif_of_frames(20_000)) is ImageProblem.TOO_MANY_PIXELS


def test_a_frame_larger_than_its_gif_is_counted_as_it_is() -> None:
    data = gif_of_frames(1)[:-1] + gif_of_frames(1, 12_000, 12_000)[19:]

    assert refusal(data) is ImageProblem.TOO_MANY_PIXELS


@pytest.mark.parametrize(
    "data",
    [
        saved("PNG"),
        saved("JPEG"),
        saved("JPEG", progressive=True),
        saved("WEBP"),
        saved("GIF"),
        movie("GIF"),
        movie("PNG"),
        movie("WEBP"),
    ],
)
@pytest.mark.parametrize("part", [0.03, 0.5, 0.9])
def test_a_truncated_image_is_refused(data: bytes, part: float) -> None:
    cut = data[: max(12, int(len(data) * part))]

    assert refusal(cut) is ImageProblem.TRUNCATED


@given(
    data=st.sampled_from(
        [saved("PNG"), saved("JPEG"), movie("WEBP"), movie("GIF"), movie("MPO", 2)]
    ),
    places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    end=st.floats(0.01, 1),
)
def test_damage_of_any_kind_is_a_refusal_and_nothing_else(
    data: bytes, places: list[tuple[float, int]], end: float
) -> None:
    damaged = bytearray(data)
    for place, value in places:
        damaged[int(place**3 * len(data))] = value

    with suppress(ImageRefused):
        facts = inspect_image_now(
            bytes(damaged[: int(end * len(data))]), max_bytes=MANY, max_pixels=100_000
        )
        assert facts.width * facts.height <= 100_000
