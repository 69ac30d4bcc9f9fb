"""Check that docstrings and descriptions are plain English: part of `make check`.

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

PEOPLE = re.compile(r"\b(nobody|somebody|anybody|everybody)\b(?!`)", re.IGNORECASE)
"""Subjects that hide which part of the system it is. The account `nobody` is none."""

STORIES = ("tests/",)
"""Rooms whose docstrings may have such subjects: a test is about somebody."""


def faults(source: str, *forbidden: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Yield line and first sentence of each docstring and description that is not plain."""
    for node in ast.walk(ast.parse(source)):
        for line, text in texts(node):
            if OPENINGS.match(text) or any(words.search(text) for words in (LITERARY, *forbidden)):
                yield line, text.partition("\n")[0]


def texts(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the docstring of a node, or the description of a field: `Meta(description="…")`."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        if text := ast.get_docstring(node):
            yield node.body[0].lineno, text
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Meta":
        for keyword in node.keywords:
            if keyword.arg == "description" and isinstance(keyword.value, ast.Constant):
                yield node.lineno, str(keyword.value.value)


def check() -> list[str]:
    """Return every docstring that is not plain, with its place."""
    files = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return [
        f"{name}:{line}: {sentence}"
        for name, path in ((str(path.relative_to(ROOT)), path) for path in files)
        for line, sentence in faults(path.read_text("utf-8"), *forbidden_in(name))
    ]


def forbidden_in(name: str) -> tuple[re.Pattern[str], ...]:
    """Return the words that docstrings of a file do without, beside the literary ones."""
    return () if name.startswith(STORIES) else (PEOPLE,)


if __name__ == "__main__":
    found = check()
    if found:
        sys.exit("\n".join([*found, "docstrings are plain English: see CONTRIBUTING.md, Style"]))
