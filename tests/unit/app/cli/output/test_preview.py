"""Images in the terminal: shown where that can be, and never in the way where it cannot."""

import struct
import zlib
from io import StringIO

import pytest
from rich.console import Console

from app.cli.output import preview
from app.cli.output.preview import HEIGHT, LARGEST, show_image
from tests.builders.pictures import picture, saved
from tests.network.one_answer import answering

GOOD = saved("PNG")


def png_of(width: int, height: int) -> bytes:
    """Return a PNG whose header promises more than follows."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    length, check = struct.pack(">I", len(chunk) - 4), struct.pack(">I", zlib.crc32(chunk))
    return GOOD[:8] + length + chunk + check + GOOD[33:]


async def shown(body: bytes, *, terminal: bool = True, status: int = 200) -> str | None:
    """Show what a server gives; None when that was not possible."""
    console = Console(force_terminal=terminal, width=100, height=30, file=(out := StringIO()))
    async with answering(body, status=status, Content_Type="image/png") as url:
        if await show_image(console, f"{url}/image.png"):
            return out.getvalue()
    assert out.getvalue() == ""
    return None


async def test_an_image_is_shown() -> None:
    assert len((await shown(GOOD) or "").splitlines()) > 10


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(png_of(30_000, 30_000), id="as large as no memory"),
        pytest.param(png_of(11_000, 11_000), id="as large as half of that"),
        pytest.param(GOOD[:60] + b"\xff" * 40 + GOOD[100:], id="broken in the middle"),
        pytest.param(GOOD[:200], id="cut off"),
        pytest.param(b"<html>", id="no image"),
        pytest.param(b"", id="nothing"),
        pytest.param(saved("PNG", picture(1, 4_000)), id="a thread"),
    ],
)
async def test_what_cannot_be_shown_is_left_out(body: bytes) -> None:
    assert await shown(body) is None


async def test_no_more_is_fetched_than_a_preview_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await shown(GOOD + bytes(LARGEST - len(GOOD))) is not None
    assert await shown(GOOD + bytes(LARGEST)) is None
    monkeypatch.setattr(preview, "LARGEST", len(GOOD))
    assert await shown(GOOD) is not None


async def test_a_tall_image_is_made_small() -> None:
    told = await shown(saved("PNG", picture(60, 1_000))) or ""
    assert 10 < len(told.splitlines()) <= HEIGHT


async def test_an_image_that_is_not_there_is_left_out() -> None:
    assert await shown(GOOD, status=404) is None


async def test_a_server_that_is_away_is_left_alone() -> None:
    console = Console(force_terminal=True, file=StringIO())
    assert not await show_image(console, "http://127.0.0.1:9/image.png")
    assert not await show_image(console, "no address")


async def test_without_a_terminal_nothing_is_shown() -> None:
    assert await shown(GOOD, terminal=False) is None
