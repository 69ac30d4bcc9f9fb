"""With a Chinese locale all of the command line speaks Chinese, click's own words included."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from app.cli.localised import commands_of
from app.cli.main import main
from tests.tools.messages import CLICK, catalogue

LANGUAGES = {"zh": "zh_CN.UTF-8", "en": "C.UTF-8"}

DUMP = """
import json, sys, click
from click.testing import CliRunner
from app.cli.main import main

def helps(command, context):
    yield context.command_path, command.get_help(context)
    for name, below in getattr(command, "commands", {}).items():
        yield from helps(below, click.Context(below, info_name=name, parent=context))

def refused(line):
    ended = CliRunner().invoke(main, line.split(), prog_name="comfyd")
    return ended.exit_code, ended.stderr

told = dict(helps(main, click.Context(main, info_name="comfyd")))
json.dump([told, {line: refused(line) for line in json.load(sys.stdin)}], sys.stdout)
"""
"""In a process of its own: the language is that of the process."""

NOT_PROSE = re.compile(
    r"`[^`]*`|(?<!\w)--?[a-z][\w-]*|\[[^]]*\|[^]]*\]|comfyd( \S+)*|\S+=\S*"
    r"|[\w/]+\.(?:md|json|png)\b|https?\S*"
)
NAMES = {
    "ComfyUI",
    "X-API-Key",
    "abc",
    "comfy.org",
    "comfyui-deploy",
    "JSON",
    "API",
    "RFC",
    "Postgres",
    "NATS",
    "URL",
    "bash",
    "zsh",
    "fish",
}
VALUES = {"production", "staging", "public-share", "same", "current", "deploy", "local"}
CLAIMS = {"user_id", "org_id"}


@cache
def told(language: str) -> tuple[dict[str, str], dict[str, tuple[int, str]]]:
    """Return the help of every command, and what is said to each line that is wrong."""
    done = subprocess.run(
        [sys.executable, "-c", DUMP],
        input=json.dumps([*REFUSALS, *AS_JSON]),
        env={"PATH": os.environ["PATH"], "LC_ALL": LANGUAGES[language], "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    helps, refusals = json.loads(done.stdout)
    return helps, refusals


def helps(language: str) -> dict[str, str]:
    return told(language)[0]


def refused(language: str, line: str) -> tuple[int, str]:
    code, said = told(language)[1][line]
    return code, said


def prose(text: str) -> Iterator[str]:
    """Yield the English words of a help text that are neither names nor what one types."""
    typed = {word for command in commands_of(main) for word in (command.name or "").split()}
    for word in re.findall(r"[A-Za-z][\w.-]*\w", NOT_PROSE.sub(" ", text)):
        if not word.isupper() and word not in NAMES | VALUES | CLAIMS | typed:
            yield word


def test_every_command_has_its_help_in_both_languages() -> None:
    paths = {" ".join(path) for path in paths_of(main, ("comfyd",))}
    assert helps("zh").keys() == helps("en").keys() == paths


def paths_of(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield path
    for name, below in command.commands.items() if isinstance(command, click.Group) else ():
        yield from paths_of(below, (*path, name))


@pytest.mark.parametrize("path", sorted(" ".join(path) for path in paths_of(main, ("comfyd",))))
def test_no_english_is_left_in_a_help(path: str) -> None:
    assert set(prose(helps("zh")[path])) == set()
    # The same look finds English where it is.
    assert set(prose(helps("en")[path])) > {"Usage", "Options", "Show", "this", "exit"}


OPTION = re.compile(r"^  (-\S.*?)(?:  |$)", re.MULTILINE)


def test_columns_stand_straight() -> None:
    """Click counts characters: one that is two columns wide moves what stands behind it."""
    options = {said for text in helps("zh").values() for said in OPTION.findall(text)}
    assert "--inputs PATH" in options
    assert [said for said in options if not said.isascii()] == []


REFUSALS = {
    "status": "错误：缺少参数 'ID'.",
    "status a b": "错误：'ID' 的值无效：“a”不是 ID",
    "statu": "错误：没有命令 'statu'。 （您是想用 'status' 吗？）",
    "rerun --limit x": "错误：'--limit' 的值无效：'x' 不是有效的 整数。",
    "rerun --limit 0": "错误：'--limit' 的值无效：0 不在范围 1<=x<=500 内。",
    "rerun --limit": "错误：选项 '--limit' 需要 1 个值。",
    "rerun --stats x": "错误：没有选项 '--stats'。 （您是想用 '--status' 吗？）",
    "rerun --status x": "错误：'--status' 的值无效：'x' 不是以下之一：'not-started',",
    "whoami you": "错误：多余的参数（you）",
    "keys create shop": "错误：缺少选项 '--scope'.",
    "machine": "用法： comfyd machine [选项] 命令 [参数]...",
    "restore /missing": "错误：'FOLDER' 的值无效：",
    "deploy card.json --to prod": "错误：'--to' 的值无效：'prod' 不是以下之一：'production',",
    "--x": "错误：没有选项 '--x'。",
}


AS_JSON = ["status --json", "statu --json", "--x --json", "rerun --limit x --json"]


@pytest.mark.parametrize("arguments", REFUSALS)
def test_what_is_typed_wrong_is_told_in_chinese(arguments: str) -> None:
    code, words = refused("zh", arguments)
    assert code == 2
    assert REFUSALS[arguments] in words
    assert not re.search(r"Error|Usage:|Try |Missing|Invalid|such", words)


def test_programs_get_a_document_of_what_is_typed_wrong() -> None:
    for line in AS_JSON:
        code, words = refused("en", line)
        problem = json.loads(words)
        assert (code, problem.keys(), problem["code"]) == (2, {"title", "code"}, "usage")
        assert problem["title"]
    assert json.loads(refused("zh", "statu --json")[1])["title"].startswith("没有命令")


NOT_SHOWN = re.compile(
    r"DeprecationWarning|Could not determine name|No options defined|exactly one parameter"
    r"|defined twice|same flag|Value must be an iterable|%\(prog\)s|Show the version|Choice\("
    r"|Editing failed|Windows error|Unknown (color|standard)|^d$"
)
"""What click says to those who write commands, or on Windows, or of what we do not use."""


def words_of_click() -> Iterator[str]:
    for file in Path(click.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                count = {"_": 1, "ngettext": 2}.get(node.func.id, 0)
                said = [a.value for a in node.args[:count] if isinstance(a, ast.Constant)]
                if said and not NOT_SHOWN.search(str(said[0])):
                    yield "\0".join(map(str, said))


def clicks_words() -> dict[str, str]:
    """Return what click says, a plural after its singular, with the Chinese of it."""
    return {
        "\0".join([entry.id] if isinstance(entry.id, str) else entry.id): "".join(
            entry.string or ()
        )
        for entry in catalogue(CLICK)
        if entry.id
    }


def test_the_catalogue_has_all_that_click_says() -> None:
    known = clicks_words()
    assert set(words_of_click()) - known.keys() == set()
    # What click looks up by a variable.
    assert known.keys() - set(words_of_click()) == {"required"}


def test_translations_take_the_placeholders_of_the_original() -> None:
    wrong = {
        english: chinese
        for english, chinese in clicks_words().items()
        if not chinese
        or not set(re.findall(r"\{\w+", chinese)) <= set(re.findall(r"\{\w+", english))
    }
    assert wrong == {}
