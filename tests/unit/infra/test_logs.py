"""Log lines: one JSON object each, in any language, without secrets."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from infra.logs import MASK, configure_logs


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def line(capsys: pytest.CaptureFixture[str]) -> tuple[str, dict[str, Any]]:
    [text] = capsys.readouterr().err.splitlines()
    return text, json.loads(text)


def test_a_line_is_one_json_object_that_names_its_process(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs("info", process="worker")
    logging.getLogger("consumers.x").warning("work.postponed", extra={"delivery": 2, "x": "a\nb"})
    _, event = line(capsys)
    assert event.pop("timestamp")
    assert event == {
        "event": "work.postponed",
        "level": "warning",
        "logger": "consumers.x",
        "process": "worker",
        "delivery": 2,
        "x": "a\nb",
    }


def test_chinese_is_not_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", process="api")
    logging.getLogger("x").info("工作流", extra={"name_of": "猫"})
    text, _ = line(capsys)
    assert "工作流" in text
    assert "猫" in text


@pytest.mark.parametrize(
    "field", ["authorization", "Authorization", "token", "jwt_secret", "spaces_key", "db_password"]
)
def test_the_value_of_a_secret_field_is_masked(
    capsys: pytest.CaptureFixture[str], field: str
) -> None:
    configure_logs("info", process="api")
    logging.getLogger("x").info("hello", extra={field: "hunter2"})
    text, event = line(capsys)
    assert event[field] == MASK
    assert "hunter2" not in text


def test_an_exception_is_part_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", process="api")
    logging.getLogger("x").error("broken", exc_info=ValueError("why"))
    _, event = line(capsys)
    assert "ValueError: why" in event["exception"]


def test_what_is_below_the_level_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning", process="api")
    logging.getLogger("x").info("quiet")
    assert capsys.readouterr().err == ""
