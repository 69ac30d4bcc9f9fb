"""Escape control characters of a server's texts before they reach the terminal.

Names, comments and messages come from other users, and a terminal obeys control sequences: it
moves the cursor, hides lines, changes its title, writes to the clipboard.
"""

import os
import re
import sys
from collections.abc import Iterable

import msgspec
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from typing_extensions import override

SHOWN_INSTEAD = "\N{REPLACEMENT CHARACTER}"

PIPE_WIDTH = 1_000
"""Columns of what is no terminal: nothing is folded for a program that reads lines."""

_ORDERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters (C0, DEL, C1), without tab and the end of a line."""


def plain(text: str) -> str:
    """Return *text* without what a terminal would obey."""
    return _ORDERS.sub(SHOWN_INSTEAD, text)


def json_text(data: object, *, indent: int = 0) -> str:
    """Write *data* as JSON, with every control character escaped: JSON itself wants only C0."""
    body = msgspec.json.encode(data)
    text = (msgspec.json.format(body, indent=indent) if indent else body).decode()
    return re.sub(r"[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text)


class PlainConsole(Console):
    """A console on which styles and bars are the program's own, and all else is plain."""

    @override
    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            # Pictures are controls, and the program's own as well.
            yield segment if segment.control else segment._replace(text=plain(segment.text))


def console_for_people() -> Console:
    """Return the console that texts from a server are printed to: as they are, no markup."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return PlainConsole(markup=False, highlight=False, width=width)
