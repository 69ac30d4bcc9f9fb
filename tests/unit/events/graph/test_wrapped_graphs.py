"""Graphs are found in what tools write around them."""

import json
from typing import Any

import pytest

from events.errors import InvalidGraph, Problem
from events.graph.wrapped import find_graphs
from events.json_checks import BodyTooComplex

API = {"3": {"class_type": "KSampler", "inputs": {}}}
UI: dict[str, Any] = {"nodes": [], "links": [], "extra": {"prompt": API}}

CASES: list[tuple[str, object, str | None, str | None]] = [
    ("a graph in API format", API, "", None),
    ("a graph of the editor", UI, None, ""),
    ("a body for /prompt", {"prompt": API, "client_id": "x"}, "/prompt", None),
    (
        "a body for /prompt with the editor's graph",
        {"prompt": API, "extra_data": {"extra_pnginfo": {"workflow": UI}}},
        "/prompt",
        "/extra_data/extra_pnginfo/workflow",
    ),
    ("what hosts take", {"input": {"workflow": API}}, "/input/workflow", None),
    ("what hosts take, as text", {"input": {"workflow": json.dumps(API)}}, "/input/workflow", None),
    ("a wrapped graph of the editor", {"workflow": UI}, None, "/workflow"),
    ("what a picture has", {"prompt": API, "workflow": UI}, "/prompt", "/workflow"),
    ("a version", {"workflow_api": API, "workflow": UI}, "/workflow_api", "/workflow"),
    ("what the editor computes", {"output": API, "workflow": UI}, "/output", "/workflow"),
    ("a node that is named as a wrapper", {"prompt": API["3"]}, "", None),
    ("nothing", {}, None, None),
    ("a list", [API], None, None),
    ("text", json.dumps(API), None, None),
    ("text that is no JSON", {"prompt": "a cat"}, None, None),
    ("text with choices", {"prompt": "{red|blue} cat", "workflow": UI}, None, "/workflow"),
    (
        "a graph beside a broken one",
        {"prompt": "{NaN" + json.dumps(API), "workflow": UI},
        None,
        "/workflow",
    ),
    ("another object", {"prompt": {"text": "a cat"}}, None, None),
]


@pytest.mark.parametrize(
    ("document", "api", "ui"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_graphs_are_found(document: object, api: str | None, ui: str | None) -> None:
    found = find_graphs(document)

    assert found.api is None or found.api.graph in (API, {"prompt": API["3"]})
    assert found.ui is None or found.ui.graph == UI
    assert (found.api and found.api.pointer, found.ui and found.ui.pointer) == (api, ui)


def test_wrappers_have_an_end() -> None:
    endless: dict[str, Any] = {}
    endless["input"] = endless

    assert find_graphs(endless).api is None


def test_a_graph_that_is_kept_as_text_and_is_no_json_is_told_where() -> None:
    text = json.dumps({"3": {"class_type": "KSampler", "is_changed": [float("nan")]}}, indent=1)

    with pytest.raises(InvalidGraph) as refused:
        find_graphs({"input": {"workflow": text}})
    params = {"line": "5", "column": "4", "text": "NaN\n  ]\n }\n}"}
    assert refused.value.problems == (
        Problem(code="json_malformed", pointer="/input/workflow", params=params),
    )


def test_a_graph_that_is_kept_as_text_may_not_hold_more_than_a_body() -> None:
    with pytest.raises(BodyTooComplex):
        find_graphs({"prompt": "[" + "[]," * 200_000 + "[]]"})
