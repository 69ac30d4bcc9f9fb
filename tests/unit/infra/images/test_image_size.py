"""What is learnt from an image that streams by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from infra.images.size import ImageSizeSniffer, image_size
from tests.builders.pictures import movie, saved

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    "data",
    [
        saved("PNG"),
        saved("JPEG"),
        saved(
            "JPEG", progressive=True, exif=b"Exif\0\0" + bytes(60_000), icc_profile=bytes(90_000)
        ),
        saved("WEBP"),
        saved("WEBP", lossless=True),
        saved("WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"),
        movie("WEBP"),
        saved("GIF"),
        movie("GIF"),
    ],
    ids=[
        "png",
        "jpeg",
        "jpeg-far",
        "webp",
        "webp-lossless",
        "webp-extended",
        "webp-movie",
        "gif",
        "gif-movie",
    ],
)
@pytest.mark.parametrize("step", [1024, 10_000_000])
def test_the_size_is_learnt_from_the_first_bytes(data: bytes, step: int) -> None:
    sniffer = ImageSizeSniffer()

    for start in range(0, len(data), step):
        sniffer.feed(data[start : start + step])

    assert sniffer.size == (60, 40)


@given(
    file_format=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]),
    width=st.integers(1, 3000),
    height=st.integers(1, 3),
)
def test_the_size_is_what_pillow_says(file_format: str, width: int, height: int) -> None:
    data = saved(file_format, Image.new("RGB", (width, height)))

    assert image_size(data) == (width, height)


@given(
    magic=st.sampled_from(
        [b"", PNG_MAGIC, b"\xff\xd8\xff", b"\xff\xd8\xff\xff", b"RIFF\0\0\0\0WEBPVP8X", b"GIF89a"]
    ),
    rest=st.binary(max_size=100),
)
def test_looking_for_a_size_never_raises(magic: bytes, rest: bytes) -> None:
    size = image_size(magic + rest)

    assert size is None or len(size) == 2


def test_what_is_no_image_has_no_size_and_is_not_kept() -> None:
    sniffer = ImageSizeSniffer()

    for _ in range(100):
        sniffer.feed(bytes(65_536))

    assert sniffer.size is None
    assert len(sniffer._head) == 256 * 1024


def test_a_jpeg_of_padding_alone_has_no_size() -> None:
    assert image_size(b"\xff\xd8" + b"\xff" * 100_000) is None
