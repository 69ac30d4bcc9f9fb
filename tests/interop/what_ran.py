"""The table of docs/compatibility.md that says what clients ran: its rows are what tests have run.

COMFYD_RECORD_COMPATIBILITY=1 writes the rows again; otherwise the page must have just these.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

RECORD = os.environ.get("COMFYD_RECORD_COMPATIBILITY") == "1"
PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
BEGIN, END = "<!-- what ran: begin -->\n", "<!-- what ran: end -->\n"
HEAD = "| client | what it does | runs |\n| --- | --- | --- |\n"


class Flow(Struct, frozen=True):
    """Something that a client did, and why it failed, if it did."""

    client: str
    what: str
    failure: str = ""


def check_page(flows: Sequence[Flow], *, of: tuple[str, ...]) -> None:
    """Check that the page has just these rows of clients whose names begin so, or write them.

    Those of other clients are of other tests.
    """
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    rows = table.removeprefix(HEAD).splitlines(keepends=True)
    ran = [f"| {flow.client} | {flow.what} | yes |\n" for flow in flows]
    ours = tuple(f"| {name}" for name in of)
    if RECORD:
        others = [row for row in rows if not row.startswith(ours)]
        PAGE.write_text(before + BEGIN + HEAD + "".join([*others, *ran]) + END + after, "utf-8")
        return
    assert [row for row in rows if row.startswith(ours)] == ran
