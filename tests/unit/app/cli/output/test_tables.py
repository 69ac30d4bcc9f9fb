"""Lists as people read them in a terminal."""

import io
from datetime import datetime, timedelta

import pytest
from rich.console import Console

from app.cli.output.tables import format_day, print_fields, print_table
from app.cli.terminal import console_for_people

ID = "01a20d28-94c5-7b9b-a7ee-f67bcf1e4552"


def printed(columns: tuple[str, ...], *rows: tuple[object, ...], width: int = 80) -> str:
    """Print a table as the command line does, without colours."""
    out = io.StringIO()
    print_table(Console(file=out, markup=False, width=width), columns, rows, empty="nothing")
    return out.getvalue()


def test_a_status_is_coloured_and_not_marked_up() -> None:
    out = io.StringIO()
    console = Console(file=out, markup=False, force_terminal=True, color_system="standard")
    print_fields(console, {"status": "success"})
    assert "\x1b[32msuccess" in out.getvalue()
    assert "[green]" not in out.getvalue()


def test_what_a_server_sends_is_shown_as_it_is() -> None:
    assert "[red]x[/red]" in printed(("name",), ("[red]x[/red]",))


def test_ids_stay_whole_where_other_columns_fold() -> None:
    shown = printed(("id", "comment"), (ID, "a long comment " * 5), width=60)
    assert ID in shown
    assert len(shown.splitlines()) > 4


def test_what_is_no_terminal_is_not_folded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(console_for_people(), ("comment",), [("long " * 50,)], empty="")
    assert ("long " * 50).strip() in capsys.readouterr().out


def test_headings_are_in_the_users_language(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "status" in printed(("status",), ("success",))
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "状态" in printed(("status",), ("success",))


def test_of_today_the_time_is_shown_and_else_the_day() -> None:
    now = datetime.now().astimezone()
    assert format_day(now.isoformat()) == now.strftime("%H:%M:%S")
    earlier = now - timedelta(days=3)
    assert format_day(earlier.isoformat()) == earlier.strftime("%Y-%m-%d")
    assert format_day(None) == ""
