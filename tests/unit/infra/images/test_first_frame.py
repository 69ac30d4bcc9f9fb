"""Thumbnails of films: their first frame, and nothing that a film could lead to."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from events.run.thumbnails import LONGEST_SIDE, MOST_PIXELS
from infra.images.first_frame import NoFrame
from infra.images.thumbnail_process import thumbnail_of
from infra.images.thumbnails import draw_thumbnail
from tests.builders.films import film, sound, turned_film
from tests.unit.infra.images.test_thumbnails import near, pieces

BLUE = Image.new("RGB", (512, 256), (20, 60, 200))
RED = Image.new("RGB", (512, 256), "red")


def drawn(data: bytes) -> Image.Image:
    answer = thumbnail_of(data, side=LONGEST_SIDE, max_pixels=MOST_PIXELS)
    image = Image.open(BytesIO(answer))
    assert image.format == "WEBP"
    return image


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("mp4", "h264"),
        ("mp4", "mpeg4"),
        ("mov", "h264"),
        ("webm", "libvpx"),
        ("webm", "libvpx-vp9"),
        ("matroska", "h264"),
    ],
)
def test_of_a_film_the_first_frame_is_shown(container: str, codec: str) -> None:
    found = drawn(film(container, codec, BLUE, RED, RED))

    assert (found.size, getattr(found, "n_frames", 1)) == ((384, 192), 1)
    assert near(found, (200, 100)) == (1, 3, 10)


async def test_in_the_bounded_process_it_is_the_same() -> None:
    data = film("mp4", "h264", Image.new("RGB", (3840, 2160), (20, 60, 200)))

    found = Image.open(BytesIO(await draw_thumbnail(pieces(data))))

    assert (found.size, near(found, (200, 100))) == ((384, 216), (1, 3, 10))


def test_a_film_stands_upright() -> None:
    sides = Image.new("RGB", (512, 256), "red")
    sides.paste((20, 60, 200), (0, 0, 256, 256))

    found = drawn(turned_film(sides))

    # A quarter to the right: what was left is at the top.
    assert found.size == (192, 384)
    assert (near(found, (96, 40)), near(found, (96, 340))) == ((1, 3, 10), (13, 0, 0))


def test_a_film_with_too_many_pixels_is_not_decoded() -> None:
    with pytest.raises(NoFrame, match="512x256, 1000 pixels at most"):
        thumbnail_of(film("mp4", "h264", BLUE), side=384, max_pixels=1000)


def test_a_film_without_a_picture_has_none() -> None:
    with pytest.raises(NoFrame, match="no video"):
        drawn(sound())


@pytest.mark.parametrize("length", [40, 400])
def test_a_film_that_is_cut_has_none(length: int) -> None:
    data = film("mp4", "h264", BLUE, RED)[:length]

    with pytest.raises(Exception):  # noqa: B017, PT011 -- FFmpeg's have no common base
        drawn(data)


@pytest.mark.parametrize(
    "list_", ["#EXTM3U\n#EXTINF:1,\nfile://{}\n", "ffconcat version 1.0\nfile {}\n"]
)
def test_a_list_of_files_opens_none_of_them(list_: str, tmp_path: Path) -> None:
    private = tmp_path / "private.mp4"
    private.write_bytes(film("mp4", "h264", BLUE))

    with pytest.raises(NoFrame, match="neither an image nor a film"):
        drawn(list_.format(private).encode())
