"""Subgraphs and group nodes are unfolded: ids like 12:5, values from the outside."""

from typing import Any

import pytest

from tests.builders.editor_graphs import INFOS, Drawing, Json, api, info, problems, subgraph

SUB = "0b5a1e4e-0000-4000-8000-000000000001"
OUTER = "0b5a1e4e-0000-4000-8000-000000000002"
INPUTS = [("clip", "CLIP"), ("text", "STRING"), ("seed", "INT")]


def inside(identifier: str = SUB) -> Json:
    """Define a subgraph: clip, text and seed go in, a latent comes out."""
    drawing = (
        Drawing()
        .node(1, "Encode", wires={"clip": (-10, 0), "text": (-10, 1)}, values=["inner"])
        .node(2, "Sampler", wires={"cond": (1, 0), "seed": (-10, 2)}, values=[1, "fixed", 5])
    )
    drawing.links.append([99, 2, 0, -20, 0, "LATENT"])
    return subgraph(drawing, identifier, inputs=INPUTS)


def host(number: int = 12, **rest: Any) -> dict[str, Any]:
    return {
        "identifier": number,
        "class_type": SUB,
        "sockets": INPUTS,
        "outputs": ["LATENT"],
        **rest,
    }


def around(*definitions: Json, **rest: Any) -> Json:
    """Draw a loader, a subgraph node and what saves its result."""
    drawing = (
        Drawing()
        .node(4, "Loader", values=["a.safetensors"])
        .node(**{**host(wires={"clip": (4, 1)}), **rest})
        .node(9, "Save", wires={"images": (12, 0)}, values=["out"])
    )
    return drawing.saved(definitions={"subgraphs": [*definitions]})


def test_a_subgraph_is_unfolded_under_the_id_of_its_node() -> None:
    found = api(around(inside()))

    assert [*found] == ["4", "9", "12:1", "12:2"]
    assert found["9"]["inputs"]["images"] == ["12:2", 0]
    assert found["12:1"]["inputs"] == {"text": "inner", "clip": ["4", 1]}
    assert found["12:2"]["inputs"]["cond"] == ["12:1", 0]
    assert found["12:2"]["inputs"]["seed"] == 1


@pytest.mark.parametrize(
    "rest",
    [
        {"values": ["outer", 77]},
        {"values": ["outer", 77, "randomize"]},
        {"values": ["outer", 77], "properties": {"proxyWidgets": [["-1", "text"], ["-1", "seed"]]}},
        {"values": ["outer", 77], "properties": {"proxyWidgets": [["1", "text"], ["2", "seed"]]}},
        {
            "values": [77, "fixed", "outer"],
            "properties": {
                "proxyWidgets": [["2", "seed"], ["2", "control_after_generate"], ["-1", "text"]]
            },
        },
    ],
)
def test_a_subgraph_node_has_values_for_the_widgets_inside(rest: Json) -> None:
    found = api(around(inside(), **rest))

    assert found["12:1"]["inputs"]["text"] == "outer"
    assert found["12:2"]["inputs"]["seed"] == 77


def test_a_wire_into_a_subgraph_wins_over_its_widget() -> None:
    infos = {**INFOS, "Text": info("STRING", value=["STRING", {}])}
    drawing = (
        Drawing(infos)
        .node(3, "Text", values=["wired"])
        .node(**host(wires={"text": (3, 0)}, values=["outer", 5]))
    )

    found = api(drawing.saved(definitions={"subgraphs": [inside()]}), infos)

    assert found["12:1"]["inputs"]["text"] == ["3", 0]


def test_two_nodes_of_one_subgraph_are_two_copies() -> None:
    saved = around(inside())
    second = Drawing().node(**host(13, values=["other", 6])).nodes
    saved["nodes"] += second

    found = api(saved)

    assert found["13:1"]["inputs"] == {"text": "other"}
    assert found["13:2"]["inputs"]["cond"] == ["13:1", 0]


def test_a_subgraph_in_a_subgraph() -> None:
    middle = Drawing().node(
        **host(5, wires={"clip": (-10, 0), "text": (-10, 1)}, values=["mid", 8])
    )
    middle.links.append([50, 5, 0, -20, 0, "LATENT"])
    outer = subgraph(middle, OUTER, inputs=INPUTS[:2])
    rest = {"class_type": OUTER, "sockets": INPUTS[:2], "values": ["outermost"]}

    found = api(around(inside(), outer, **rest))

    assert [*found] == ["4", "9", "12:5:1", "12:5:2"]
    assert found["9"]["inputs"]["images"] == ["12:5:2", 0]
    assert found["12:5:1"]["inputs"] == {"text": "outermost", "clip": ["4", 1]}
    assert found["12:5:2"]["inputs"]["seed"] == 8


def test_a_subgraph_that_hands_its_input_straight_out() -> None:
    drawing = Drawing()
    drawing.links.append([1, -10, 0, -20, 0, "CLIP"])
    through = subgraph(drawing, SUB, inputs=[("clip", "CLIP")])
    saved = (
        Drawing()
        .node(4, "Loader")
        .node(12, SUB, sockets=[("clip", "CLIP")], outputs=["CLIP"], wires={"clip": (4, 1)})
        .node(6, "Encode", wires={"clip": (12, 0)}, values=["a"])
        .saved(definitions={"subgraphs": [through]})
    )

    assert api(saved)["6"]["inputs"]["clip"] == ["4", 1]


@pytest.mark.parametrize(("mode", "images"), [(2, None), (4, ["4", 0])])
def test_a_subgraph_that_is_muted_or_bypassed_is_not_unfolded(mode: int, images: object) -> None:
    definition = subgraph(Drawing(), SUB, inputs=[("latent", "LATENT")])
    saved = around(definition, mode=mode, sockets=[("latent", "LATENT")], wires={"latent": (4, 0)})

    found = api(saved)

    assert [*found] == ["4", "9"]
    assert found["9"]["inputs"].get("images") == images


def test_problems_inside_point_at_the_definition() -> None:
    broken = inside()
    broken["nodes"][0]["type"] = "NoSuchNode"

    assert problems(around(broken)) == [("node_unknown", "/definitions/subgraphs/0/nodes/0")]


def test_a_subgraph_must_be_there_and_must_not_contain_itself() -> None:
    own = subgraph(Drawing().node(5, SUB, sockets=[]), SUB)

    assert problems(around()) == [("ui_subgraph_missing", "/nodes/1")]
    assert problems(around(own, sockets=[], wires={})) == [
        ("ui_subgraph_recursion", "/definitions/subgraphs/0/nodes/0")
    ]


def test_subgraphs_that_multiply_are_stopped() -> None:
    names = [f"0b5a1e4e-0000-4000-8000-{n:012}" for n in range(100, 130)]
    levels = [
        subgraph(Drawing().node(1, inner, sockets=[]).node(2, inner, sockets=[]), name)
        for name, inner in zip(names, [*names[1:], "Latent"], strict=True)
    ]
    saved = Drawing().node(1, names[0], sockets=[]).saved(definitions={"subgraphs": levels})

    assert problems(saved) == [("graph_too_large", "")]


def group() -> Json:
    """Define a group node: a primitive text, an encoder, a sampler whose steps are an input."""
    sampler = Drawing().node(0, "Sampler", values=[1, "fixed", 5, 2.0, "ddim", 1.0]).nodes[0]
    sampler["inputs"] = [
        {"name": name, "type": name.upper()} for name in ("model", "cond", "latent")
    ]
    sampler["inputs"].append({"name": "steps", "type": "INT", "widget": {"name": "steps"}})
    encoder = Drawing().node(0, "Encode", values=["inner"]).nodes[0]
    encoder["inputs"] = [{"name": "clip", "type": "CLIP", "link": 5}]
    encoder["inputs"].append({"name": "text", "type": "STRING", "widget": {"name": "text"}})
    primitive = {"id": -1, "type": "PrimitiveNode", "widgets_values": ["p", "fixed"]}
    return {
        "nodes": [primitive, encoder, sampler],
        "links": [[0, 0, 1, 1, 7, "STRING"], [1, 0, 2, 1, 8, "COND"], [None, 0, 1, 0, 3, "CLIP"]],
        "external": [],
    }


GROUP_SOCKETS = [("clip", "CLIP"), ("model", "MODEL"), ("latent", "LATENT"), ("steps", "INT")]


def grouped(class_type: str, values: object, definition: Json, **wires: tuple[int, int]) -> Json:
    drawing = (
        Drawing()
        .node(4, "Loader", values=["a.safetensors"])
        .node(5, "Latent", values=[8, 8])
        .node(
            12,
            class_type,
            sockets=GROUP_SOCKETS,
            outputs=["LATENT"],
            wires={"clip": (4, 1), "model": (4, 0), **wires},
            values=values,
        )
        .node(9, "Save", wires={"images": (12, 0)}, values=["out"])
    )
    return drawing.saved(extra={"groupNodes": {"my group": definition}})


@pytest.mark.parametrize("prefix", ["workflow/", "workflow>"])
def test_a_group_node_is_unfolded_like_a_subgraph(prefix: str) -> None:
    values = ["said outside", 77, "randomize", 2.5, "euler", 0.5, 9]

    found = api(grouped(f"{prefix}my group", values, group()))

    assert [*found] == ["4", "5", "9", "16:14", "16:15"]
    assert found["9"]["inputs"]["images"] == ["16:15", 0]
    assert found["16:14"]["inputs"] == {"text": "said outside", "clip": ["4", 1]}
    assert found["16:15"]["inputs"] == {
        "seed": 77,
        "steps": 9,
        "cfg": 2.5,
        "name": "euler",
        "denoise": 0.5,
        "model": ["4", 0],
        "cond": ["16:14", 0],
    }


def test_a_group_node_whose_widget_is_an_input() -> None:
    found = api(grouped("workflow>my group", None, group(), steps=(5, 0), latent=(5, 0)))

    assert found["16:15"]["inputs"]["steps"] == ["5", 0]
    assert found["16:15"]["inputs"]["latent"] == ["5", 0]
    assert found["16:15"]["inputs"]["seed"] == 1


def test_a_group_node_that_cannot_be_read_is_named() -> None:
    nested = {"nodes": [{"type": "workflow>other"}]}
    values = ["a", 1, "fixed", 1.0, "euler", 1.0, 9, "one too many"]
    where = "/extra/groupNodes/my group/nodes"

    assert problems(grouped("workflow>none", None, group())) == [("ui_group_missing", "/nodes/2")]
    assert problems(grouped("workflow>my group", values, group())) == [
        ("ui_widgets_surplus", "/nodes/2")
    ]
    assert problems(grouped("workflow>my group", None, nested)) == [
        ("ui_group_nested", f"{where}/0")
    ]
    assert problems(grouped("workflow>my group", None, {"nodes": [{}]})) == [
        ("ui_graph_malformed", f"{where}/0")
    ]


def test_an_output_of_a_group_is_hidden_when_it_is_used_inside_alone() -> None:
    definition = group()
    definition["external"] = [[1, 0, "COND"]]
    saved = grouped("workflow>my group", None, definition)

    assert api(saved)["9"]["inputs"]["images"] == ["16:14", 0]
    definition["config"] = {"1": {"output": {"0": {"visible": False}}}}
    assert api(saved)["9"]["inputs"]["images"] == ["16:15", 0]


def test_a_whole_node_in_the_place_of_its_number_is_passed_over() -> None:
    definition = group()
    definition["external"] = [[{"id": 1}, 0, "COND"], [1, 0, None], "x", [1]]

    found = api(grouped("workflow>my group", None, definition))

    assert found["9"]["inputs"]["images"] == ["16:15", 0]


def test_ids_that_several_levels_share_are_given_anew() -> None:
    first = subgraph(Drawing().node(1, "Loader").node(40, "Latent"), SUB)
    second = subgraph(
        Drawing().node(40, "Loader").node(2, "Tune", wires={"clip": (40, 1)}, values=[1.0]), OUTER
    )
    proxies = {"proxyWidgets": [["40", "ckpt"], ["2", "by"]]}
    saved = (
        Drawing()
        .node(1, SUB, sockets=[])
        .node(12, OUTER, sockets=[], properties=proxies, values=["b.safetensors", 0.5])
        .saved(definitions={"subgraphs": [first, second]}, last_node_id=50)
    )

    found = api(saved)

    assert [*found] == ["1:51", "1:40", "12:52", "12:2"]
    assert found["12:52"]["inputs"] == {"ckpt": "b.safetensors"}
    assert found["12:2"]["inputs"] == {"by": 0.5, "clip": ["12:52", 1]}


def test_what_is_too_large_to_be_drawn_is_not_followed() -> None:
    reroutes = Drawing().node(1, "Loader")
    for number in range(2, 400):
        wire = {"": (number - 1, 1 if number == 2 else 0)}
        reroutes.node(number, "Reroute", sockets=[("", "*")], outputs=["CLIP"], wires=wire)
    reroutes.node(400, "Encode", wires={"clip": (399, 0)}, values=["a"])
    many = Drawing().node(1, "Latent", sockets=[(str(n), "X") for n in range(100_001)])
    crowd = {"nodes": [{"type": "Latent"}] * 301}
    wide = subgraph(Drawing(), SUB, inputs=[(str(n), "X") for n in range(1001)])
    boxes = Drawing()
    for number in range(100):
        boxes.node(number, SUB, sockets=[])

    assert problems(reroutes.saved()) == [("ui_link_recursion", "/nodes/399")]
    assert problems(many.saved()) == [("ui_inputs_too_many", "")]
    assert problems(boxes.saved(definitions={"subgraphs": [wide]})) == [("ui_inputs_too_many", "")]
    assert problems(grouped("workflow>my group", None, crowd)) == [
        ("graph_too_large", "/extra/groupNodes/my group")
    ]
