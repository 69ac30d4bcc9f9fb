"""Two versions are compared: what callers see first, then the nodes."""

from typing import Any

import pytest
from msgspec.structs import replace

from events.graph.diff import (
    GraphDiff,
    InputChange,
    InputsDiff,
    NodeChange,
    NodeEntry,
    NodesDiff,
    diff_inputs,
    diff_nodes,
)
from events.graph.externals.classes import InputKind
from events.graph.inputs import InputField

PROMPT = InputField(
    name="prompt", kind=InputKind.TEXT, class_type="ComfyUIDeployExternalText", required=True
)
STEPS = InputField(
    name="steps",
    kind=InputKind.INTEGER,
    class_type="ComfyUIDeployExternalNumberInt",
    required=False,
    default=20,
)


def node(class_type: str, title: str = "", **inputs: Any) -> dict[str, Any]:
    meta = {"_meta": {"title": title}} if title else {}
    return {"class_type": class_type, "inputs": inputs, **meta}


def test_versions_that_are_alike_have_no_difference() -> None:
    graph = {"1": node("A", n=1), "2": node("B", a=["1", 0])}
    retitled = {"2": node("B", "Other", a=["1", 0]), "1": node("A", n=1)}

    diff = GraphDiff(inputs=diff_inputs([PROMPT], [PROMPT]), nodes=diff_nodes(graph, retitled))

    assert diff.is_empty


def test_inputs_that_came_and_went() -> None:
    assert diff_inputs([PROMPT], [STEPS]) == InputsDiff(added=(STEPS,), removed=(PROMPT,))


def test_inputs_that_changed_are_told_property_by_property() -> None:
    changed = replace(STEPS, required=True, default=None, maximum=50.0)

    assert diff_inputs([PROMPT, STEPS], [changed, PROMPT]).changed == (
        InputChange(name="steps", field="required", before=False, after=True),
        InputChange(name="steps", field="default", before=20, after=None),
        InputChange(name="steps", field="maximum", before=None, after=50.0),
    )


def test_nodes_that_came_and_went_in_the_order_of_their_numbers() -> None:
    before = {"2": node("A"), "7": node("C")}
    after = {"10": node("E", "Last"), "2": node("A"), "9:3": node("D"), "7": node("B")}

    assert diff_nodes(before, after) == NodesDiff(
        added=(
            NodeEntry(node_id="7", class_type="B"),
            NodeEntry(node_id="9:3", class_type="D"),
            NodeEntry(node_id="10", class_type="E", title="Last"),
        ),
        removed=(NodeEntry(node_id="7", class_type="C"),),
    )


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"n": 1}, {"n": 2}, [("n", 1, 2)]),
        ({"n": 1}, {"n": ["2", 0]}, [("n", 1, ["2", 0])]),
        ({"n": ["2", 0]}, {"n": ["2", 1]}, [("n", ["2", 0], ["2", 1])]),
        ({"n": 1}, {}, [("n", 1, None)]),
        ({}, {"n": None}, [("n", None, None)]),
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, [("b", 2, 3), ("c", None, 4), ("a", 1, None)]),
        ({"n": 1}, {"n": True}, [("n", 1, True)]),
        ({"n": 1}, {"n": 1.0}, []),
    ],
)
def test_nodes_that_changed_are_told_input_by_input(
    before: dict[str, Any], after: dict[str, Any], changes: list[tuple[str, Any, Any]]
) -> None:
    assert diff_nodes({"1": node("A", **before)}, {"1": node("A", **after)}).changed == tuple(
        NodeChange(node_id="1", class_type="A", input=name, before=was, after=now)
        for name, was, now in changes
    )
