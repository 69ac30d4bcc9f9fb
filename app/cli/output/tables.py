"""Tables for lists, and fields of one thing, in the terminal."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.texts import heading

STATUS_STYLES: Mapping[str, str] = {
    "success": "green",
    "failed": "red",
    "timeout": "red",
    "cancelled": "yellow",
    "running": "cyan",
    "uploading": "cyan",
    "active": "green",
    "draining": "yellow",
    "disabled": "yellow",
}

UNFOLDED = frozenset(
    {"id", "status", "state", "environment", "scopes", "version", "created", "promoted"}
)
"""Columns that keep to one line: they are copied, or short."""


def print_table(
    console: Console, columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str
) -> None:
    """Print rows under their headings; without rows, *empty*."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for column in columns:
        head = heading(column)
        table.add_column(
            head, overflow="fold", no_wrap=column in UNFOLDED, min_width=cell_len(head)
        )
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    if table.row_count:
        console.print(table)
    else:
        console.print(empty)


def print_fields(console: Console, fields: Mapping[str, object]) -> None:
    """Print one thing, a field a line; empty fields are left out."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in fields.items():
        if value not in (None, "", [], {}):
            table.add_row(heading(name), _cell(value))
    console.print(table)


def format_time(text: str | None) -> str:
    """Return a time of the API in the local zone."""
    if not text:
        return ""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def format_day(text: str | None) -> str:
    """Return the time of today, else the day: short, for lists."""
    shown = format_time(text)
    today = datetime.now().astimezone().strftime("%Y-%m-%d ")
    return shown.removeprefix(today) if shown.startswith(today) else shown[: len(today) - 1]


def format_seconds(value: float | None) -> str:
    """Return a duration with its unit."""
    return "" if value is None else f"{value:.2f} s"


def _cell(value: object) -> Text:
    text = "" if value is None else _text(value)
    return Text(text, STATUS_STYLES.get(text, ""))


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {item}" for name, item in value.items())
    return str(value)
