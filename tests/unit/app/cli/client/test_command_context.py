"""How a command ends when something is wrong: words for people, documents for programs."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.cli.client.command_context import CommandContext, run_command
from app.cli.client.login import Login, NotLoggedIn
from app.cli.errors import CommandError
from tests.network.one_answer import answering

Body = Callable[[CommandContext], Awaitable[int | None]]
PAGE = b"<!doctype html><title>Sign in</title>"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


async def asks(context: CommandContext) -> None:
    await context.api.get("/v1/me")


async def follows(context: CommandContext) -> None:
    async for _ in context.api.follow("/v1/runs/1/events"):
        pass


async def refuses(_: CommandContext) -> None:
    raise CommandError("cli.no_workflow", code=4, name="a\x1bb")


async def entered(url: str, body: Body, *, as_json: bool = False) -> int:
    """Do *body* at *url*, on a loop of its own as the command line does."""
    login = Login(url=url, key="k")
    return await asyncio.to_thread(run_command, lambda: login, body, as_json=as_json)


WRONG_SITES: list[tuple[Body, dict[str, Any], str]] = [
    (asks, {"body": PAGE, "Content_Type": "text/html; charset=utf-8"}, "200 text/html"),
    (asks, {"body": b"\xff\xfe", "Content_Type": "text/plain"}, "200 text/plain"),
    (asks, {"body": b""}, "200"),
    (asks, {"body": b"", "status": 302, "Location": "https://sso/in"}, "302 https://sso/in"),
    (follows, {"body": PAGE, "Content_Type": "text/html"}, "200 text/html"),
    (follows, {"body": b"", "status": 302, "Location": "https://sso/in"}, "302 https://sso/in"),
]


@pytest.mark.parametrize(("body", "answer", "found"), WRONG_SITES)
async def test_another_site_is_told_from_a_comfyd(
    body: Body, answer: dict[str, Any], found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with answering(**answer) as url:
        assert await entered(url, body) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"comfyd: this does not look like a comfyd server: {url}/v1/")
    assert told.endswith(f"(it answered: {found})\n")


async def test_another_site_is_told_from_a_comfyd_in_chinese(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    async with answering(PAGE, Content_Type="text/html") as url:
        assert await entered(url, asks) == 2
    assert capsys.readouterr().err == (
        f"comfyd: 这不像是 comfyd 服务器：{url}/v1/me（应答：200 text/html）\n"
    )


async def test_an_empty_answer_that_says_so_is_one() -> None:
    async with answering(b"", status=204) as url:
        assert await entered(url, asks) == 0


@pytest.mark.parametrize(
    ("url", "body", "exit_code", "code"),
    [
        (NOWHERE, refuses, 4, "no_workflow"),
        (NOWHERE, asks, 6, "away"),
        ("no-address", asks, 2, "bad_url"),
        ("http://host:port", asks, 2, "bad_url"),
    ],
)
async def test_programs_get_a_document_of_what_we_refuse(
    url: str, body: Body, exit_code: int, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await entered(url, body) == exit_code
    words = capsys.readouterr().err
    assert await entered(url, body, as_json=True) == exit_code
    told = capsys.readouterr()
    problem = json.loads(told.err)
    assert problem.keys() == {"title", "code"}
    assert problem["code"] == code
    assert words == f"comfyd: {problem['title']}\n".replace("\x1b", "\N{REPLACEMENT CHARACTER}")
    assert "\x1b" not in told.err
    assert told.out == ""


@pytest.mark.parametrize("key", ["cfd_ключ", "cfd_a\nb"])
def test_a_key_that_cannot_be_one_is_not_sent(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    login = Login(url=NOWHERE, key=key)

    assert run_command(lambda: login, asks, as_json=True) == 3
    assert json.loads(capsys.readouterr().err)["code"] == "bad_key"


async def test_programs_get_a_document_of_a_wrong_site(capsys: pytest.CaptureFixture[str]) -> None:
    async with answering(PAGE, Content_Type="text/html") as url:
        assert await entered(url, asks, as_json=True) == 2
    assert json.loads(capsys.readouterr().err)["code"] == "not_comfyd"


async def test_a_server_that_is_away_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert await entered(NOWHERE, asks) == 6
    assert capsys.readouterr().err.startswith(
        f"comfyd: the server at {NOWHERE} cannot be reached: "
    )


def test_programs_get_a_document_when_no_server_is_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def nothing() -> Login:
        raise NotLoggedIn

    assert run_command(nothing, asks, as_json=True) == 3
    assert json.loads(capsys.readouterr().err)["code"] == "no_login"


def test_a_server_without_its_key_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    def keyless() -> Login:
        raise NotLoggedIn(NOWHERE)

    assert run_command(keyless, asks, as_json=True) == 3
    problem = json.loads(capsys.readouterr().err)
    assert problem == {
        "title": f"no key for {NOWHERE} is known: add --key or set COMFYD_KEY, "
        f"or run `comfyd login {NOWHERE}`",
        "code": "no_key",
    }
