"""What is read out of a graph that is pushed."""

from typing import Any

import pytest

from app.commands.workflows.pushed_graphs import INPUTS_BYTES, inputs_of
from events.errors import InvalidGraph, Problem


def graph(size: int) -> dict[str, Any]:
    """Build a graph with two inputs that have so many characters of defaults."""
    return {
        name: {
            "class_type": "ComfyUIDeployExternalText",
            "inputs": {"input_id": name, "default_value": "x" * (size // 2)},
        }
        for name in ("a", "b")
    }


def test_inputs_have_room_for_long_defaults_but_not_for_any() -> None:
    assert [field.name for field in inputs_of(graph(INPUTS_BYTES - 1000))] == ["a", "b"]
    with pytest.raises(InvalidGraph) as refused:
        inputs_of(graph(INPUTS_BYTES))
    assert refused.value.problems == (
        Problem(code="graph_inputs_too_large", params={"limit": str(INPUTS_BYTES)}),
    )
