"""The report of an import, as people read it."""

import io

from rich.console import Console

from app.cli.moving.printed import LONGEST_NAME, print_report
from app.cli.moving.report import Line, Note, Outcome, Report
from infra.comfyui_deploy.source import LeftBehind


def printed(*lines: Line, left_behind: LeftBehind | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=100, markup=False, highlight=False)
    report = Report(lines=lines, left_behind=left_behind or LeftBehind())
    print_report(console, report, "en")
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def line(tenant: str, name: str, *notes: Note, outcome: Outcome = Outcome.NEW) -> Line:
    kind = "machine" if tenant else "key"
    return Line(kind=kind, tenant=tenant, id="1", name=name, outcome=outcome, notes=notes)


def test_what_has_a_note_is_listed_by_tenant_and_what_belongs_to_none_comes_last() -> None:
    found = printed(
        line("", "shop", Note("key_invalid"), outcome=Outcome.LEFT_OUT),
        line("user:mia", "gpu", Note("machine_disabled")),
        line("org:acme", "tower", Note("machine_disabled")),
        line("user:mia", "nothing to say of it"),
    )
    tenants = ["org:acme", "user:mia", "of an unknown owner"]
    assert [text for text in found if text in tenants] == tenants
    assert not any("nothing to say of it" in text for text in found)
    assert "machine: 3 imported" in found
    assert "key: 1 left out" in found


def test_long_names_are_cut_for_people() -> None:
    name = "n" * 300
    found = printed(line("user:mia", name, Note("renamed", {"name": name})))
    assert max(text.count("n") for text in found) < 2 * LONGEST_NAME
    assert any("…" in text for text in found)


def test_what_is_never_imported_is_counted_and_a_warning_is_the_last_line() -> None:
    found = printed(
        line("", "shop", Note("key_other_secret"), outcome=Outcome.LEFT_OUT),
        left_behind=LeftBehind(runs=12, outputs=34),
    )
    assert any("12 runs with 34 outputs" in text for text in found)
    assert found[-1].startswith("1 of 1 keys are signed with another JWT_SECRET")
