"""Write docs/lifecycle.md from the table of transitions: `make docs`."""

from pathlib import Path

from events.run.status import TERMINAL, TRANSITIONS, Status

PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"

_INTRODUCTION = """\
# The life of a run

Written by `make docs` from `TRANSITIONS` in `events/run/status.py`. Do not edit it by hand: a test
compares this page with the table.

A status only moves forward. An ended run stays ended: what a machine reports later changes
nothing. A report may be lost, so a step may skip what lies between; the arrows inside the box are
the steps without a skip.
"""


def lifecycle_page() -> str:
    """Return the whole page."""
    return f"{_INTRODUCTION}\n```mermaid\n{diagram()}\n```\n\n## Every step\n\n{table()}\n"


def diagram() -> str:
    """Draw the table: open statuses in a box, and from the box to where all of them may go."""
    opened = [status for status in TRANSITIONS if status not in TERMINAL]
    shared = [s for s in TRANSITIONS if all(s in TRANSITIONS[o] for o in opened)]
    lines = ["stateDiagram-v2", "    state open {"]
    # A name belongs to the box in which it first stands.
    lines += [f'        state "{status}" as {_id(status)}' for status in opened]
    lines += [f"        [*] --> {_id(opened[0])}"]
    lines += [f"        {_id(one)} --> {_id(other)}" for one, other in _direct_steps(opened)]
    lines += ["    }"]
    lines += [f"    open --> {_id(status)}" for status in shared]
    lines += [f"    {_id(status)} --> [*]" for status in TRANSITIONS if status in TERMINAL]
    return "\n".join(lines)


def table() -> str:
    """Write every step down: rows are where a run stands, columns where it may go."""
    goals = [goal for goal in TRANSITIONS if any(goal in nexts for nexts in TRANSITIONS.values())]
    lines = [_row("from \\ to", [str(goal) for goal in goals]), _row("---", [":-:"] * len(goals))]
    for status, nexts in TRANSITIONS.items():
        marks = ["✓" if goal in nexts else "" for goal in goals]
        lines.append(_row(f"**{status}**", marks))
    return "\n".join(lines)


def _direct_steps(opened: list[Status]) -> list[tuple[Status, Status]]:
    """List the steps among *opened* that no two others make up."""
    return [
        (one, other)
        for one in opened
        for other in opened
        if other in TRANSITIONS[one]
        and not any(m in TRANSITIONS[one] and other in TRANSITIONS[m] for m in opened)
    ]


def _row(head: str, cells: list[str]) -> str:
    return f"| {head} | {' | '.join(cells)} |"


def _id(status: Status) -> str:
    """Mermaid takes a hyphen for part of an arrow."""
    return status.replace("-", "_")


if __name__ == "__main__":
    PAGE.write_text(lifecycle_page(), "utf-8")
