"""Shows images in the terminal: as pictures where it can, as coloured blocks where it cannot."""

import io
import logging
import warnings

import httpx
from rich.console import Console

WIDTH = 48
"""Columns a preview takes at most."""

HEIGHT = 48
"""Lines a preview takes at most: a picture as narrow as a thread would never end."""

FETCH_WITHIN = 20.0

LARGEST = 32 * 2**20
"""Bytes that are fetched for a preview."""


class TooLarge(Exception):
    """The image is too large for a preview."""


async def show_image(console: Console, url: str) -> bool:
    """Show the image at *url*; return whether that was possible. A failure ends no command."""
    if not console.is_terminal:
        return False
    try:
        data = await _fetched(url)
    except (httpx.HTTPError, httpx.InvalidURL, TooLarge):
        return False
    try:
        _draw(console, data)
    except Exception:  # noqa: BLE001 -- a strange file may break its reader in any way
        return False
    return True


async def _fetched(url: str) -> bytes:
    data = bytearray()
    async with (
        httpx.AsyncClient(timeout=FETCH_WITHIN, follow_redirects=True) as http,
        http.stream("GET", url) as answer,
    ):
        answer.raise_for_status()
        async for chunk in answer.aiter_bytes():
            data += chunk
            if len(data) > LARGEST:
                raise TooLarge
    return bytes(data)


def _draw(console: Console, data: bytes) -> None:
    # It asks the terminal what it can do when it is first imported, and complains in the log
    # of those that do not answer; it goes on without.
    logging.getLogger("textual_image").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Pillow refuses what would take most of the memory, but only warns of half as much.
        warnings.simplefilter("error", RuntimeWarning)
        from textual_image.renderable import Image  # noqa: PLC0415

        picture = Image(io.BytesIO(data), width="auto", height="auto")
        console.print(picture, width=WIDTH, height=HEIGHT)
