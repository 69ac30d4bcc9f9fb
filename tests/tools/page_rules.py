"""Check that pages hold no script and no style of their own: part of `make check`.

The Content-Security-Policy refuses them in browsers; here they are found before. htmx runs code
that stands in attributes (`hx-on`, `js:`, filters of triggers), so those are refused as well, and
so is what comes from another host, and a script of ours that makes code or HTML out of text.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import click
from typing_extensions import override

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "app" / "pages" / "templates"
SCRIPTS = ROOT / "app" / "pages" / "assets" / "scripts"
MOST = 15 * 1024
"""Bytes of our own scripts together."""

_JINJA = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_FROM_TEXT = re.compile(
    r"\b(?:eval|Function)\s*\(|\b(?:inner|outer)HTML\b|\binsertAdjacentHTML\b|\bdocument\.write\b"
)
_UNSAFE = re.compile(r"\|\s*safe\b|\bautoescape\b")

Attributes = list[tuple[str, str | None]]


class _Rules(HTMLParser):
    """Collects what a template may not hold."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []

    @override
    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self._note(f"<{tag}> in the page")
        for name, value in attrs:
            self._check(name.removeprefix("data-"), value or "")

    def _check(self, name: str, value: str) -> None:
        if name == "style":
            self._note("a style attribute")
        if name.startswith("on"):
            self._note(f"a handler in the page: {name}")
        if name.startswith("hx-on"):
            self._note(name)
        if name.startswith("hx-trigger") and "[" in value:
            self._note(f"a filter of a trigger: {value}")
        if name in {"src", "href"} and re.match(r"\s*(https?:)?//", value):
            self._note(f"from another host: {value}")
        if re.match(r"\s*(js|javascript):", value):
            self._note(f"code in {name}: {value}")

    def _note(self, what: str) -> None:
        self.found.append((self.getpos()[0], what))


def faults(template: str) -> Iterator[tuple[int, str]]:
    """Yield line and kind of everything that a template may not hold."""
    for number, line in enumerate(template.splitlines(), start=1):
        if _UNSAFE.search(line):
            yield number, "text that is not escaped"
    rules = _Rules()
    rules.feed(_EXPRESSION.sub("x", _JINJA.sub("", template)))
    yield from rules.found


def faults_of_script(script: str) -> Iterator[tuple[int, str]]:
    """Yield line and kind of everything that a script of ours may not do."""
    for number, line in enumerate(script.splitlines(), start=1):
        if found := _FROM_TEXT.search(line):
            yield number, f"code or HTML out of text: {found[0]}"


def check() -> list[str]:
    """Return every fault of the templates and scripts, with its place."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in sorted(TEMPLATES.rglob("*.html"))
        for line, what in faults(path.read_text("utf-8"))
    ]
    found += [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in sorted(SCRIPTS.rglob("*.js"))
        for line, what in faults_of_script(path.read_text("utf-8"))
    ]
    size = sum(path.stat().st_size for path in SCRIPTS.rglob("*.js"))
    return [*found, f"own scripts have {size} bytes"] if size > MOST else found


if __name__ == "__main__":
    for fault in (problems := check()):
        click.echo(fault, err=True)
    sys.exit(bool(problems))
