"""What `comfyd rerun` refuses before it asks the server for anything."""

import pytest
from click.testing import CliRunner

from app.cli.commands.reruns import rerun

RUN = "00000000-0000-4000-8000-000000000001"
NOBODY = {"COMFYD_URL": "http://127.0.0.1:9", "COMFYD_KEY": "k", "LANG": "C.UTF-8"}
AWAY = 6
"""What ends a command that has asked: no server is there."""


def told(*arguments: str) -> tuple[int, str]:
    ended = CliRunner().invoke(rerun, arguments, env=NOBODY)
    return ended.exit_code, ended.stderr


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--dry-run",), "--dry-run"),
        (("--status", "failed"), "--status"),
        (("--since", "2026-11-24T00:00:00Z"), "--since"),
        (("--deployment", "poster"), "--deployment"),
        (("--limit", "100"), "--limit"),
        (("--dry-run", "--limit", "3", "--watch"), "--dry-run, --limit"),
    ],
)
def test_a_run_that_is_named_leaves_nothing_to_choose(options: tuple[str, ...], named: str) -> None:
    code, words = told(RUN, *options)
    assert code == 2
    assert f"cannot be combined with {named}: " in words


@pytest.mark.parametrize("options", [(), ("--version", "current"), ("-i", "a=b"), ("--watch",)])
def test_a_run_is_named_with_what_is_for_one(options: tuple[str, ...]) -> None:
    assert told(RUN, *options)[0] == AWAY


def test_inputs_are_for_one_run() -> None:
    code, words = told("--status", "failed", "-i", "prompt=a fox")
    assert code == 2
    assert "-i/--input" in words


def test_a_dry_run_cannot_be_watched() -> None:
    code, words = told("--status", "failed", "--dry-run", "--watch")
    assert code == 2
    assert "--watch" in words


def test_a_filter_that_finds_everything_is_none() -> None:
    code, words = told("--limit", "3")
    assert code == 2
    assert "--status" in words
