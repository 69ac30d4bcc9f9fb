"""Check that docstrings are plain English: part of `make check`.

A docstring says what is returned, raised or checked, and its subject is a noun (CONTRIBUTING.md).
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("app", "consumers", "events", "infra", "projections", "tests")

OPENINGS = re.compile(r"(Give|Tell|Say|Let)s?\b")
"""First words that hide what a function does: it returns, prints, checks or allows."""

LITERARY = re.compile(
    r"\b(whoever|whomever|wonders?|(?<!on )demands?|dwells?|henceforth)\b", re.IGNORECASE
)


def faults(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and first sentence of each docstring that is not plain."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        text = ast.get_docstring(node)
        if text and (OPENINGS.match(text) or LITERARY.search(text)):
            yield node.body[0].lineno, text.partition("\n")[0]


def check() -> list[str]:
    """Return every docstring that is not plain, with its place."""
    files = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return [
        f"{name}:{line}: {sentence}"
        for name, path in ((str(path.relative_to(ROOT)), path) for path in files)
        for line, sentence in faults(path.read_text("utf-8"))
    ]


if __name__ == "__main__":
    found = check()
    if found:
        sys.exit("\n".join([*found, "docstrings are plain English: see CONTRIBUTING.md, Style"]))
