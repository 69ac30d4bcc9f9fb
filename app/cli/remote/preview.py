"""Shows images in the terminal: as pictures where it can, as coloured blocks where it cannot."""

import io
import logging

import httpx
from rich.console import Console

WIDTH = 48
"""Columns a preview takes."""

FETCH_WITHIN = 20.0


async def show_image(console: Console, url: str) -> bool:
    """Show the image at *url*; tell whether that was possible. A preview never ends a command."""
    if not console.is_terminal:
        return False
    try:
        async with httpx.AsyncClient(timeout=FETCH_WITHIN, follow_redirects=True) as http:
            answer = (await http.get(url)).raise_for_status()
        # It asks the terminal what it can do when it is first imported, and complains in the log
        # of those that do not answer; it goes on without.
        logging.getLogger("textual_image").setLevel(logging.CRITICAL)
        from textual_image.renderable import Image  # noqa: PLC0415

        console.print(Image(io.BytesIO(answer.content), width=WIDTH, height="auto"))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return False
    return True
