"""How long a prompt took is what ComfyUI's history says, or nothing."""

from typing import Any
from uuid import UUID

import pytest

from infra.comfyui.history import Entry, Status, outcome_of

PROMPT = UUID(int=1, version=4)
START, SUCCESS = "execution_start", "execution_success"


def at(timestamp: Any) -> dict[str, Any]:
    return {"prompt_id": str(PROMPT), "timestamp": timestamp}


@pytest.mark.parametrize(
    ("verdict", "messages", "seconds"),
    [
        ("success", [(START, at(1000)), (SUCCESS, at(3500))], 2.5),
        ("error", [(START, at(1000)), ("execution_error", at(1250))], 0.25),
        ("error", [(START, at(1000)), ("execution_interrupted", at(1250))], 0.25),
        (
            "success",
            [(START, at(1000)), ("execution_cached", at(1001)), (SUCCESS, at(1001))],
            0.001,
        ),
        ("success", [(START, at(3500)), (SUCCESS, at(1000))], 0.0),
        ("success", [(SUCCESS, at(3500))], None),
        ("success", [(START, at(1000))], None),
        ("success", [(START, {}), (SUCCESS, at(3500))], None),
        ("success", [(START, at("1000")), (SUCCESS, at(3500))], None),
        ("success", [], None),
        ("error", [], None),
    ],
)
def test_the_seconds_are_those_between_begin_and_end(
    verdict: str, messages: list[tuple[str, dict[str, Any]]], seconds: float | None
) -> None:
    entry = Entry(status=Status(status_str=verdict, messages=messages))
    assert outcome_of(entry, PROMPT).seconds == seconds
