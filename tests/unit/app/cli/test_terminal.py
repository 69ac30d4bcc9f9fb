"""Texts of a server reach the terminal without anything that it would obey."""

import io
import json

import httpx
import pytest
from rich.text import Text

from app.cli.client.command_context import CommandContext, run_command
from app.cli.client.login import Login
from app.cli.errors import REFUSED
from app.cli.output.tables import print_fields, print_table
from app.cli.terminal import SHOWN_INSTEAD, PlainConsole, json_text

CLEAR, TITLE, BACK, C1 = "\x1b[2J", "\x1b]0;pwned\x07", "\r", "\x9b31m"
HOSTILE = f"name{CLEAR}{TITLE}{BACK}{C1}\x7f"
CONTROLS = {chr(code) for code in (*range(32), *range(127, 160))} - {"\n"}


def printed(console: PlainConsole) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def console() -> PlainConsole:
    return PlainConsole(file=io.StringIO(), markup=False, highlight=False, width=200)


def test_whatever_is_printed_is_plain(console: PlainConsole) -> None:
    console.print(HOSTILE)
    console.print(Text(HOSTILE))
    print_table(console, ["name"], [[HOSTILE]], empty="")
    print_fields(console, {"name": HOSTILE, "list": [HOSTILE]})

    shown = printed(console)
    assert shown.count("pwned") == 5
    assert CONTROLS & set(shown) == set()


def test_styles_of_our_own_stay() -> None:
    console = PlainConsole(
        file=io.StringIO(),
        markup=False,
        highlight=False,
        force_terminal=True,
        color_system="standard",
    )
    console.print(HOSTILE, style="red")
    assert printed(console).startswith("\x1b[31m")
    assert printed(console).count("\x1b") == 2


def test_an_error_of_the_server_is_told_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    answer = httpx.Response(422, json={"title": HOSTILE, "code": "c", "detail": HOSTILE})

    async def refused(_: CommandContext) -> None:
        raise httpx.HTTPStatusError("", request=httpx.Request("GET", "/"), response=answer)

    login = Login(url="http://127.0.0.1:9", key="k")
    assert run_command(lambda: login, refused, as_json=False) == REFUSED
    told = capsys.readouterr().err
    assert SHOWN_INSTEAD in told
    assert CONTROLS & set(told) == set()


def test_json_says_the_same_and_is_plain() -> None:
    for text in (json_text({"name": HOSTILE}), json_text({"name": HOSTILE}, indent=2)):
        assert json.loads(text) == {"name": HOSTILE}
        assert CONTROLS & set(text) == set()
