"""The report of an import for people: what is worth a word, and the counts of everything."""

from itertools import groupby

from msgspec.structs import replace
from rich.console import Console

from app.cli.moving.report import KINDS, OUTCOMES, Line, Note, Outcome, Report
from app.cli.output.tables import print_table
from app.cli.texts import tr
from infra.translation import translate

COLUMNS = ("kind", "name", "outcome", "notes")
LONGEST_NAME = 50
"""Characters of a name that are printed."""


def print_report(console: Console, report: Report, language: str) -> None:
    """Print what has a note or is left out, by tenant; then the counts, and last the warnings."""
    worth = [line for line in report.lines if line.notes or line.outcome is Outcome.LEFT_OUT]
    # Those that belong to none come last.
    by_tenant = sorted(worth, key=lambda line: (not line.tenant, line.tenant))
    for tenant, lines in groupby(by_tenant, key=lambda line: line.tenant):
        console.print(tenant or tr("of an unknown owner"), style="bold", soft_wrap=True)
        print_table(console, COLUMNS, [_row(line, language) for line in lines], empty="")
        console.print()
    for kind, numbers in report.counts.items():
        outcomes = (
            f"{number} {translate(OUTCOMES[outcome], language)}"
            for outcome, number in numbers.items()
        )
        name = translate(KINDS[kind], language)
        console.print(f"{name}: {', '.join(outcomes) or 0}", soft_wrap=True)
    console.print(report.remark(language), soft_wrap=True)
    for warning in report.warnings(language):
        console.print()
        console.print(warning, style="bold red", soft_wrap=True)


def _row(line: Line, language: str) -> tuple[str, ...]:
    return (
        translate(KINDS[line.kind], language),
        _short(line.name),
        translate(OUTCOMES[line.outcome], language),
        "; ".join(_note(note, language) for note in line.notes),
    )


def _note(note: Note, language: str) -> str:
    short = {name: _short(value) for name, value in note.params.items() if name != "reason"}
    return replace(note, params={**note.params, **short}).text(language)


def _short(text: str) -> str:
    """Shorten a name; in JSON it is whole."""
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"
