"""The table of docs/benchmarks.md: what was measured, its goal, and its ceiling in the same run."""

from collections.abc import Sequence

from msgspec import Struct

HEADINGS = ("what", "goal", "measured", "ceiling in the same run", "ratio", "")


class Row(Struct, frozen=True, kw_only=True):
    """One line of the table."""

    what: str
    measured: str
    goal: str = ""
    ceiling: str = ""
    ratio: str = ""
    met: bool | None = None
    """None where there is no goal."""

    cause: str = ""
    """Why the goal is missed, when it is."""


class Chapter(Struct, frozen=True, kw_only=True):
    """What one topic measured, and how."""

    title: str
    how: str
    rows: tuple[Row, ...]


def page(chapters: Sequence[Chapter], facts: Sequence[str], *, date: str, scope: str) -> str:
    """Write the whole page."""
    rows = [row for chapter in chapters for row in chapter.rows]
    parts = [
        "# Benchmarks",
        f"Written by `make bench` on {date} ({scope}). Do not edit: run it again.",
        "\n".join(f"- {fact}" for fact in facts),
        table(rows),
        _misses(rows),
        "## How it was measured",
        *(f"**{chapter.title}.** {_one_line(chapter.how)}" for chapter in chapters),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(rows: Sequence[Row]) -> str:
    """Write the rows as a Markdown table."""
    lines = [_line(HEADINGS), _line(["---"] * len(HEADINGS))]
    lines += [
        _line((row.what, row.goal, row.measured, row.ceiling, row.ratio, _verdict(row)))
        for row in rows
    ]
    return "\n".join(lines)


def times(measured: float, ceiling: float) -> str:
    """Write how *measured* compares with its *ceiling*."""
    return f"{measured / ceiling:.2f}" if ceiling else ""


def _misses(rows: Sequence[Row]) -> str:
    """Return why goals were missed; rows with the same cause share a sentence."""
    causes: dict[str, list[str]] = {}
    for row in rows:
        if row.met is False:
            causes.setdefault(_one_line(row.cause) or "not yet understood", []).append(row.what)
    lines = [f"- {'; '.join(missed)}: {cause}" for cause, missed in causes.items()]
    return "\n".join(["## Misses", "", *lines]) if lines else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _verdict(row: Row) -> str:
    if row.met is None:
        return ""
    return "met" if row.met else "**missed**"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
