"""Why a file cannot be read is told in both languages, with the position where it is known."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest

from app.cli.errors import reason_of

HERE = Path(__file__)


async def ask(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        await http.get(url)


def caught(doing: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as raised:  # noqa: PT011 -- which one is the parameter's matter
        doing()
    assert isinstance(raised.value, Exception)
    return raised.value


@pytest.mark.parametrize(
    ("doing", "english", "chinese"),
    [
        (HERE.with_name("none").read_bytes, "No such file or directory", "文件不存在"),
        (HERE.parent.read_bytes, "Is a directory", "这是一个文件夹"),
        (
            lambda: json.loads('{"a":\n }'),
            "Expecting value: line 2 column 2",
            "第 2 行第 2 列有错误（Expecting value）",
        ),
        (
            lambda: msgspec.json.decode(b'{"a": x}'),
            "JSON is malformed: invalid character (byte 6)",
            "第 6 字节处有错误（JSON is malformed: invalid character）",
        ),
        (lambda: asyncio.run(ask("http://127.0.0.1:9")), "no connection", "无法连接"),
    ],
)
@pytest.mark.parametrize("language", ["C.UTF-8", "zh_CN.UTF-8"])
def test_a_reason_is_told_in_the_language_of_its_reader(
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    doing: Callable[[], object],
    english: str,
    chinese: str,
) -> None:
    monkeypatch.setenv("LC_ALL", language)
    assert reason_of(caught(doing)) == (chinese if language.startswith("zh") else english)


def test_a_file_of_somebody_else_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert reason_of(PermissionError(13, "Permission denied")) == "没有权限"


def test_what_is_not_known_keeps_its_own_words() -> None:
    assert reason_of(OSError(28, "No space left on device")) == "No space left on device"
    assert reason_of(RecursionError("too deep")) == "too deep"
