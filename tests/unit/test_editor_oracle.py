"""What holds the converter against the editor's answers finds every difference there can be."""

from typing import Any

import pytest

from tests.builders.editor_graphs import INFOS, Drawing
from tests.editor_oracle.answers import Answer
from tests.editor_oracle.compare import Comparison, Verdict, compare

Json = dict[str, Any]


def sends(**inputs: Any) -> Json:
    node = {"class_type": "Latent", "inputs": {"width": 64, "height": 32, **inputs}}
    return {"1": {**node, "_meta": {"title": "any"}}}


def compared(theirs: Json, values: list[Any] | None = None) -> Comparison:
    graph = Drawing().node(1, "Latent", values=values or [64, 32]).saved()
    return compare(Answer(name="g", form="given", graph=graph), theirs, INFOS)


@pytest.mark.parametrize("theirs", [sends(), sends(width=64.0)])
def test_the_same_is_equal(theirs: Json) -> None:
    assert compared(theirs).verdict is Verdict.EQUAL


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        (sends(width=65), "node 1, Latent.width: ours 64, theirs 65"),
        (sends(width=True), "node 1, Latent.width: ours 64, theirs True"),
        (sends(width="64"), "node 1, Latent.width: ours 64, theirs '64'"),
        (sends(width=["2", 0]), "node 1, Latent.width: ours 64, theirs ['2', 0]"),
        (sends(more=1), "node 1, Latent.more: ours '(absent)', theirs 1"),
        ({}, "node 1, a node: ours Latent, theirs (absent)"),
        (sends() | {"2": sends()["1"]}, "node 2, a node: ours (absent), theirs Latent"),
        ({"1": {**sends()["1"], "class_type": "X"}}, "node 1, a class: ours Latent, theirs X"),
    ],
)
def test_every_difference_is_found_and_named(theirs: Json, said: str) -> None:
    comparison = compared(theirs)

    assert comparison.verdict is Verdict.DIFFERENT
    assert str(comparison) == f"g (given): different\n    {said}"


def test_a_refusal_is_none() -> None:
    comparison = compared(sends(), values=["wide", 32])

    assert comparison.verdict is Verdict.REFUSED
    assert [(f.kind, f.node) for f in comparison.findings] == [("ui_widget_misfit", "1")]
