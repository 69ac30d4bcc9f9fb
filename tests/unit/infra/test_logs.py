"""Log lines: one JSON object each, in any language, without secrets."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from infra.logs import configure_logs
from infra.masking import MASK


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook = hook
    logging.captureWarnings(capture=False)


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


def test_a_secret_is_masked_wherever_a_line_holds_it(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", process="api", secrets={"hunter2hunter2"})
    error = ValueError("nats://comfyd:opensesame@n1 refused hunter2hunter2")
    logging.getLogger("x").error("broken", exc_info=error, extra={"nested": {"a": ["Bearer abc"]}})
    text, event = line(capsys)
    assert event["nested"] == {"a": [f"Bearer {MASK}"]}
    assert f"nats://comfyd:{MASK}@n1 refused {MASK}" in event["exception"]
    assert not any(secret in text for secret in ("opensesame", "hunter2", "Bearer abc"))


def test_what_ends_the_process_is_logged_and_masked(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", process="worker")
    sys.excepthook(ValueError, ValueError("postgresql://u:opensesame@db"), None)
    text, event = line(capsys)
    assert (event["event"], event["level"]) == ("process.died", "critical")
    assert "opensesame" not in text
