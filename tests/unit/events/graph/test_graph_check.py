"""What makes a graph impossible to run."""

from typing import Any

import pytest

from events.errors import InvalidGraph
from events.graph.check import MAX_NODES, check_graph
from events.graph.externals.classes import LONGEST_NAME, MOST_INPUTS
from infra.translation import problem_text

SAVE = {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}
MAKE = {"class_type": "EmptyImage", "inputs": {"width": 64, "size": [64, 64]}}


def external(kind: str, **inputs: object) -> dict[str, Any]:
    return {"class_type": "ComfyUIDeployExternal" + kind, "inputs": inputs}


def plain(**inputs: object) -> dict[str, Any]:
    return {"class_type": "Node", "inputs": inputs}


def problems(graph: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidGraph) as refusal:
        check_graph(graph)
    for problem in refusal.value.problems:
        assert problem.text()
        assert problem_text(problem, "zh")
    return [(p.code, p.pointer) for p in refusal.value.problems]


def test_a_sound_graph_is_given_back() -> None:
    graph = {
        "1": MAKE | {"_meta": {"title": "t"}},
        "2": SAVE,
        "12:5": external("Text", input_id="x"),
    }
    assert check_graph(graph) is graph


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (None, [("graph_not_api_format", "")]),
        ([], [("graph_not_api_format", "")]),
        ("{}", [("graph_not_api_format", "")]),
        ({1: MAKE}, [("graph_not_api_format", "")]),
        ({"prompt": {"1": MAKE}}, [("graph_not_api_format", "")]),
        ({"nodes": [], "links": []}, [("graph_ui_format", "")]),
        ({}, [("graph_empty", "")]),
        ({"1": MAKE, "2": 5}, [("node_not_an_object", "/2")]),
        ({"a/b": {"inputs": {}}}, [("node_without_class", "/a~1b/class_type")]),
        ({"1": {"class_type": "", "inputs": {}}}, [("node_without_class", "/1/class_type")]),
        ({"1": {"class_type": "A"}}, [("node_without_inputs", "/1/inputs")]),
        ({"2": SAVE}, [("link_broken", "/2/inputs/images")]),
        ({"1": MAKE, "2": plain(a=["1", -1])}, [("link_without_slot", "/2/inputs/a")]),
        (
            {"1": external("Text", input_id="x"), "2": plain(a=["1", 1])},
            [("link_without_slot", "/2/inputs/a")],
        ),
        ({"1": plain(a=["1", 0])}, [("graph_cycle", "/1")]),
        ({"1": external("Text")}, [("input_id_missing", "/1/inputs/input_id")]),
        ({"1": external("Text", input_id=" ")}, [("input_id_missing", "/1/inputs/input_id")]),
        (
            {"1": external("Text", input_id=["2", 0]), "2": MAKE},
            [("input_id_missing", "/1/inputs/input_id")],
        ),
        (
            {"1": external("Text", input_id="x"), "2": external("Number", input_id="x")},
            [("input_id_conflict", "/2/inputs/input_id")],
        ),
        (
            {"1": external("NumberSlider", input_id="x", min_value=3, max_value=2)},
            [("input_bounds_invalid", "/1")],
        ),
        (
            {"1": external("NumberSlider", input_id="x", min_value="low")},
            [("input_bounds_invalid", "/1")],
        ),
        (
            {"1": external("ImageBatch", input_id="x"), "2": external("Text", input_id="x[1]")},
            [("input_id_conflict", "/2/inputs/input_id")],
        ),
    ],
)
def test_a_graph_that_nobody_can_run_is_refused(
    graph: object, expected: list[tuple[str, str]]
) -> None:
    assert problems(graph) == expected


@pytest.mark.parametrize(
    "node",
    [
        external("NumberSlider", input_id="x", default_value=3, min_value=0, max_value=2),
        external("NumberInt", input_id="x", default_value=1.5),
        external("Boolean", input_id="x", default_value="perhaps"),
        external("NumberSliderInt", input_id="x", default_value=11),
        external("Audio", input_id="x", audio_file="https:// /b.mp3"),
        external("ImageBatch", input_id="x", images="cat.png"),
        external("Image", input_id="x", default_value="cat.png"),
        external("Image", input_id="x", default_value_url="data:image/png;base64,aGk="),
        external("Text", input_id="x", default_value=[1, 2, 3]),
    ],
)
def test_a_default_that_no_caller_might_send_is_refused(node: dict[str, Any]) -> None:
    assert problems({"1": node}) == [("input_default_invalid", "/1")]


def test_a_cycle_is_named_and_all_other_problems_too() -> None:
    graph = {
        "a": plain(x=["c", 0]),
        "b": plain(x=["a", 0], y=["gone", 0]),
        "c": plain(x=["b", 0]),
        "d": {"inputs": {}},
        "e": external("Text"),
    }
    with pytest.raises(InvalidGraph) as refusal:
        check_graph(graph)
    texts = [problem.text() for problem in refusal.value.problems]
    assert texts[0] == "node d has no class_type"
    assert texts[1] == "input 'y' of node b links to node gone, which is not in the graph"
    assert texts[2] in {
        "these nodes form a cycle: " + cycle
        for cycle in ("a → b → c → a", "b → c → a → b", "c → a → b → c")
    }
    assert texts[3].startswith("node e is an external input without a name")
    assert len(texts) == 4


def test_a_long_chain_passes_and_a_long_cycle_is_named_in_short() -> None:
    count = MAX_NODES
    chain = {str(i): plain(x=[str(i - 1), 0]) if i else plain() for i in range(count)}
    assert check_graph(chain) is chain
    ring = chain | {"0": plain(x=[str(count - 1), 0])}
    with pytest.raises(InvalidGraph) as refusal:
        check_graph(ring)
    (problem,) = refusal.value.problems
    assert problem.params["cycle"].endswith(" → …")
    assert problem.params["cycle"].count("→") == 20


def test_too_many_nodes_are_refused() -> None:
    graph = {str(i): plain() for i in range(MAX_NODES + 1)}
    assert problems(graph) == [("graph_too_large", "")]


def test_a_workflow_has_so_many_inputs_with_names_so_long() -> None:
    most = {str(n): external("Text", input_id=f"i{n}") for n in range(MOST_INPUTS)}
    again = external("Text", input_id="i0")
    assert check_graph(most | {"again": again})
    assert problems(most | {"more": external("Text", input_id="more")}) == [
        ("graph_too_many_inputs", ""),
    ]
    longest = "n" * LONGEST_NAME
    named = {"1": external("Text", input_id=longest), "2": external("Text", input_id=f"{longest}n")}
    assert problems(named) == [("input_id_too_long", "/2/inputs/input_id")]
