"""Lists and single things, as people read them in a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

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


def print_table(
    console: Console, columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str
) -> None:
    """Print rows under their headings; without rows, *empty*."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    if table.row_count:
        console.print(table)
    else:
        console.print(empty)


def print_fields(console: Console, fields: Mapping[str, object]) -> None:
    """Print one thing, a field a line; what is unknown is left out."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in fields.items():
        if value not in (None, "", [], {}):
            table.add_row(name, _cell(value))
    console.print(table)


def moment(text: str | None) -> str:
    """Show a time of the API in the reader's own zone."""
    if not text:
        return ""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def seconds(value: float | None) -> str:
    """Show a duration."""
    return "" if value is None else f"{value:.2f} s"


def _cell(value: object) -> str:
    text = "" if value is None else _text(value)
    style = STATUS_STYLES.get(text)
    return f"[{style}]{text}[/{style}]" if style else escape(text)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {item}" for name, item in value.items())
    return str(value)
