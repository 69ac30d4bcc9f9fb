"""A subgraph's box holds the values of the widgets inside it, in whatever way they were saved."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.editor_graphs import (
    INFOS,
    UNHURRIED,
    Drawing,
    Json,
    api,
    info,
    problems,
    subgraph,
)

SUB = "0b5a1e4e-0000-4000-8000-000000000001"
OUTER = "0b5a1e4e-0000-4000-8000-000000000002"
SIZES = [("width", "INT"), ("height", "INT"), ("seed", "INT")]


def sizes(identifier: str = SUB) -> Json:
    """Define a subgraph: width and height of a latent, and the seed of a sampler, go in."""
    drawing = (
        Drawing()
        .node(21, "Latent", wires={"width": (-10, 0), "height": (-10, 1)}, values=[1, 2])
        .node(22, "Sampler", wires={"latent": (21, 0), "seed": (-10, 2)}, values=[3, "fixed", 4])
    )
    return subgraph(drawing, identifier, inputs=SIZES)


def held(found: Json, box: str = "12") -> tuple[Any, Any, Any]:
    latent, sampler = found[f"{box}:21"]["inputs"], found[f"{box}:22"]["inputs"]
    return latent["width"], latent["height"], sampler["seed"]


def boxed(definition: Json, *others: Json, **box: Any) -> Json:
    box = {"sockets": [], "values": None, **box}
    kind = box.pop("kind", SUB)
    return Drawing().node(12, kind, **box).saved(definitions={"subgraphs": [definition, *others]})


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ({"values": [7, 8, 9]}, (7, 8, 9)),
        ({"values": [7]}, (7, 2, 3)),
        ({"values": None}, (1, 2, 3)),
        ({"values": [7, 8, 9], "sockets": [*reversed(SIZES)]}, (7, 8, 9)),
        ({"values": [7, 8, 9], "sockets": [("height", "INT")]}, (7, 8, 9)),
        ({"widgets_values_named": {"seed": 9, "width": 7}}, (7, 2, 9)),
        ({"values": [7], "widgets_values_named": {"width": 0, "seed": 0}}, (7, 2, 3)),
    ],
)
def test_values_pair_with_the_inputs_of_the_definition(
    box: Json, expected: tuple[int, ...]
) -> None:
    assert held(api(boxed(sizes(), **box))) == expected


PROXIES = [["22", "seed"], ["-1", "width"], ["22", "steps"], ["22", "control_after_generate"]]


@pytest.mark.parametrize("written", [PROXIES, json.dumps(PROXIES)])
def test_an_older_file_names_the_widgets_as_a_list_or_as_a_string(written: object) -> None:
    found = api(boxed(sizes(), values=[9, 7, 5, "randomize"], properties={"proxyWidgets": written}))

    assert held(found) == (7, 7, 9)  # height: by position, as the editor has it
    assert found["12:22"]["inputs"]["steps"] == 5


@pytest.mark.parametrize(
    "written", [[["22", "seed"], ["22", 5]], [["22"]], "no JSON", "{}", "[" * 10_000, None, 7]
)
def test_a_list_of_widgets_that_is_broken_counts_for_nothing(written: object) -> None:
    saved = boxed(sizes(), values=[7, 8, 9], properties={"proxyWidgets": written})

    assert held(api(saved)) == (7, 8, 9)


@pytest.mark.parametrize("as_text", [False, True])
def test_a_value_in_quarantine_is_the_boxs(*, as_text: bool) -> None:
    kept = [
        {"originalEntry": ["-1", "height"], "reason": "missingSourceNode", "hostValue": 64},
        {"originalEntry": ["-1", "height"], "reason": "missingSourceNode", "hostValue": 65},
        {"originalEntry": ["-1", "seed"], "reason": "missingSourceNode"},
        {"originalEntry": ["22", "seed"], "reason": "missingSourceWidget", "hostValue": 66},
    ]
    quarantine = json.dumps(kept) if as_text else kept
    properties = {"proxyWidgetErrorQuarantine": quarantine}

    found = api(boxed(sizes(), values=[7, 8, 9], properties=properties))

    assert held(found) == (7, 64, 9)


def test_an_input_gives_its_value_to_all_that_it_leads_to() -> None:
    drawing = (
        Drawing()
        .node(20, "Any", wires={"source": (-10, 0)})
        .node(21, "Latent", wires={"width": (-10, 0), "height": (-10, 0)}, values=[64, 32])
    )
    definition = subgraph(drawing, SUB, inputs=[("size", "INT")])

    found = api(boxed(definition))
    assert found["12:20"]["inputs"] == {"source": 64}
    assert found["12:21"]["inputs"] == {"width": 64, "height": 64}
    assert api(boxed(definition, values=[8]))["12:20"]["inputs"] == {"source": 8}


def test_inputs_of_one_name_have_one_value() -> None:
    drawing = Drawing().node(21, "Latent", wires={"width": (-10, 0), "height": (-10, 1)})
    definition = subgraph(drawing, SUB, inputs=[("size", "INT"), ("size", "INT")])

    found = api(boxed(definition, values=[7, 8]))

    assert found["12:21"]["inputs"] == {"width": 8, "height": 8}


def test_a_null_is_sent_but_for_a_combo() -> None:
    drawing = Drawing().node(22, "Sampler", wires={"seed": (-10, 0), "name": (-10, 1)})
    definition = subgraph(drawing, SUB, inputs=[("seed", "INT"), ("name", "COMBO")])

    inputs = api(boxed(definition, values=[None, None]))["12:22"]["inputs"]

    assert (inputs["seed"], inputs["name"]) == (None, "euler")


def test_the_links_at_a_border_are_in_the_order_that_its_inputs_list() -> None:
    drawing = Drawing().node(21, "Latent", wires={"height": (-10, 0), "width": (-10, 0)})
    definition = subgraph(drawing, SUB, inputs=[("size", "INT")])
    drawing.nodes[0]["widgets_values"] = [64, 32]

    for ids, size in ([1, 2], 64), ([2, 1], 32), ([77, 2], 32):
        definition["inputs"][0]["linkIds"] = ids
        assert api(boxed(definition))["12:21"]["inputs"] == {"width": size, "height": size}


def nested(**inner: Any) -> Json:
    """Define a subgraph with a box of the other one in it: its seed goes in."""
    drawing = Drawing().node(31, SUB, sockets=[("seed", "INT")], wires={"seed": (-10, 0)}, **inner)
    return subgraph(drawing, OUTER, inputs=[("seed", "INT")])


def test_a_box_in_a_box_holds_what_the_outer_one_does_not() -> None:
    definitions = nested(values=[7, 8, 9]), sizes()

    assert held(api(boxed(*definitions, kind=OUTER)), "12:31") == (7, 8, 9)
    assert held(api(boxed(*definitions, kind=OUTER, values=[5])), "12:31") == (7, 8, 5)


@pytest.mark.parametrize(
    "entry", [["31", "width"], ["31", "21: width"], ["31", "width", "21"], ["31", "4:21:width"]]
)
def test_an_older_file_names_a_widget_of_a_box_in_a_box(entry: list[str]) -> None:
    saved = boxed(
        nested(values=[7, 8, 9]),
        sizes(),
        kind=OUTER,
        values=[5, 6],
        properties={"proxyWidgets": [["31", "seed"], entry]},
    )

    assert held(api(saved), "12:31") == (6, 8, 5)


def test_boxes_of_one_definition_hold_values_of_their_own() -> None:
    saved = boxed(sizes(), values=[7, 8, 9])
    proxies = {"proxyWidgets": [["22", "steps"]]}
    saved["nodes"] += Drawing().node(13, SUB, sockets=[], values=[5], properties=proxies).nodes

    found = api(saved)

    assert (held(found), held(found, "13")) == ((7, 8, 9), (5, 2, 3))
    assert [found[f"{box}:22"]["inputs"]["steps"] for box in (12, 13)] == [4, 5]


def test_the_inside_of_a_box_that_is_muted_inside_another_is_sent_all_the_same() -> None:
    found = api(boxed(nested(values=[7, 8, 9], mode=2), sizes(), kind=OUTER))

    assert [*found] == ["12:31:21", "12:31:22"]


def primitive(*, numbered: int, wired: str = "height") -> Json:
    """Define a subgraph with a primitive whose wire counts inputs in its own way."""
    drawing = (
        Drawing()
        .node(20, "PrimitiveNode", outputs=["INT"], values=[640, "fixed"])
        .node(21, "Latent", wires={wired: (20, 0)}, values=[1, 2])
    )
    drawing.links[0][4] = numbered
    return subgraph(drawing, SUB)


@pytest.mark.parametrize(
    ("shown", "values", "height"),
    [
        ([["20", "value"]], [7], 7),
        ([["20", "value"]], [], 2),  # what the widget holds that the primitive leads to
        ([["20", "value"], ["20", "control_after_generate"]], [7, "fixed"], 640),
        ([["20", "value"], ["20", "value"]], [7, 8], 7),
    ],
)
def test_a_box_shows_a_primitive(shown: Any, values: list[int], height: int) -> None:
    saved = boxed(primitive(numbered=1), values=values, properties={"proxyWidgets": shown})

    assert api(saved)["12:21"]["inputs"] == {"width": 1, "height": height}


@pytest.mark.parametrize(("numbered", "height"), [(0, None), (1, 7), (5, 640), (-1, 640)])
def test_a_primitive_that_the_editor_would_connect_wrongly_is_named(
    numbered: int, height: int | None
) -> None:
    properties = {"proxyWidgets": [["20", "value"]]}
    saved = boxed(primitive(numbered=numbered), values=[7], properties=properties)

    if height is None:
        assert problems(saved) == [("ui_primitive_misled", "/nodes/0")]
    else:
        assert api(saved)["12:21"]["inputs"]["height"] == height


def test_a_primitive_gives_its_value_to_the_widgets_it_is_wired_to_and_to_nothing_else() -> None:
    drawing = (
        Drawing()
        .node(20, "PrimitiveNode", outputs=["INT"], values=[640, "fixed"])
        .node(23, "Reroute", sockets=[("", "*")], outputs=["INT"], wires={"": (20, 0)})
        .node(21, "Latent", wires={"width": (20, 0), "height": (23, 0)}, values=[1, 2])
        .node(22, "Any", wires={"source": (20, 0)})
    )
    saved = drawing.saved()

    found = api(saved)

    assert found["21"]["inputs"] == {"width": 640, "height": 2}
    assert found["22"]["inputs"] == {}
    saved["nodes"][0]["outputs"][0]["links"] = [4, 2, 1]  # first of all to the socket
    assert api(saved)["21"]["inputs"] == {"width": 1, "height": 2}


def test_an_input_of_a_bypassed_node_counts_as_its_class_has_it() -> None:
    """The file lacks an input, as an export does: what lies opposite an output is not that."""
    infos = {
        **INFOS,
        "Mix": info("INT", "INT", a=["INT", {}], b=["INT", {}]),
        "Int": info("INT", value=["INT", {}]),
    }
    drawing = (
        Drawing(infos)
        .node(1, "Int", values=[5])
        .node(2, "Mix", sockets=[("b", "INT")], wires={"b": (1, 0)}, values=[1, 2], mode=4)
        .node(3, "Latent", wires={"width": (2, 0), "height": (2, 1)}, values=[8, 9])
    )

    assert api(drawing.saved(), infos)["3"]["inputs"] == {"width": 8, "height": ["1", 0]}


@UNHURRIED
@given(values=st.lists(st.integers(0, 2**53), min_size=3, max_size=3), chance=st.randoms())
def test_neither_order_nor_what_an_export_leaves_out_matters(
    *, values: list[int], chance: Random
) -> None:
    saved = boxed(sizes(), values=values, sockets=SIZES)
    nodes = [*saved["nodes"], *saved["definitions"]["subgraphs"][0]["nodes"]]
    for node in nodes:
        node["inputs"] = [s for s in node["inputs"] if s["link"] or chance.random() < 0.5]
        chance.shuffle(node["inputs"])

    assert held(api(saved)) == tuple(values)
