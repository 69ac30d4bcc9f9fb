"""What is drawn from an API graph converts back to it; what is broken at random is refused."""

import copy
from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from events.errors import InvalidGraph, Problem
from events.graph.editor.convert import convert
from tests.builders.editor_graphs import INFOS, UNHURRIED, Drawing, Json, api, subgraph

SUB = "0b5a1e4e-0000-4000-8000-000000000001"
TEXTS = st.text(max_size=8)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "INT": st.integers(0, 2**53),
    "FLOAT": st.floats(0, 100, allow_nan=False),
    "STRING": TEXTS,
}
DRAWN = ["Loader", "Encode", "Latent", "Sampler", "Both", "Tune", "Save"]


def _specs(class_type: str) -> dict[str, Any]:
    return dict(INFOS[class_type]["input"]["required"])


@st.composite
def graphs(draw: st.DrawFn) -> Json:
    """Draw an API graph: every input has a value, or the output of an earlier node of its type."""
    graph: Json = {}
    offers: dict[str, list[list[Any]]] = {}
    for number in range(1, draw(st.integers(1, 8)) + 1):
        class_type = draw(st.sampled_from(DRAWN))
        inputs: Json = {}
        for name, (kind, *_) in _specs(class_type).items():
            if isinstance(kind, list):
                inputs[name] = draw(st.sampled_from(kind))
            elif kind in VALUES:
                inputs[name] = draw(VALUES[kind])
            elif kind in offers and draw(st.booleans()):
                inputs[name] = draw(st.sampled_from(offers[kind]))
        graph[str(number)] = {"class_type": class_type, "inputs": inputs}
        for slot, kind in enumerate(INFOS[class_type]["output"]):
            offers.setdefault(kind, []).append([str(number), slot])
    return graph


def drawn(graph: Json, *, detours: bool) -> Drawing:
    """Draw an API graph as the editor would save it; with *detours*, through reroutes."""
    drawing = Drawing()
    for key, node in graph.items():
        wires: dict[str, tuple[int, int]] = {}
        values: list[Any] = []
        for name, spec in _specs(node["class_type"]).items():
            value = node["inputs"].get(name)
            if isinstance(value, list):
                wires[name] = (int(value[0]), value[1])
                if detours:
                    corner = 1000 + len(drawing.nodes)
                    wire = {"": wires[name]}
                    kind = str(spec[0])
                    drawing.node(corner, "Reroute", sockets=[("", "*")], outputs=[kind], wires=wire)
                    wires[name] = (corner, 0)
            elif value is not None:
                values.append(value)
                values += ["fixed"] if name == "seed" else []
        drawing.node(int(key), node["class_type"], wires=wires, values=values)
    return drawing


@UNHURRIED
@given(graph=graphs(), detours=st.booleans(), chance=st.randoms())
def test_a_graph_that_is_drawn_and_converted_is_the_same(
    *, graph: Json, detours: bool, chance: Random
) -> None:
    saved = drawn(graph, detours=detours).saved()
    chance.shuffle(saved["nodes"])
    chance.shuffle(saved["links"])

    assert api(saved) == graph


@UNHURRIED
@given(graphs())
def test_a_graph_inside_a_subgraph_is_the_same_under_longer_ids(graph: Json) -> None:
    definition = subgraph(drawn(graph, detours=False), SUB)
    saved = Drawing().node(77, SUB, sockets=[]).saved(definitions={"subgraphs": [definition]})

    assert api(saved) == {
        f"77:{key}": {
            "class_type": node["class_type"],
            "inputs": {
                name: [f"77:{value[0]}", value[1]] if isinstance(value, list) else value
                for name, value in node["inputs"].items()
            },
        }
        for key, node in graph.items()
    }


@UNHURRIED
@given(graph=graphs(), chance=st.randoms())
def test_values_on_the_box_are_those_of_the_widgets_inside(graph: Json, chance: Random) -> None:
    drawing = drawn(graph, detours=False)
    free = [
        (node, index, slot)
        for node in drawing.nodes
        for index, slot in enumerate(node["inputs"])
        if slot.get("widget")
    ]
    chance.shuffle(free)
    for number, (node, index, slot) in enumerate(free):
        slot["link"] = f"b{number}"
        drawing.links.append([slot["link"], -10, number, node["id"], index, slot["type"]])
        node["widgets_values"] = None
    inputs = [(f"w{number}", slot["type"]) for number, (_, _, slot) in enumerate(free)]
    values = [graph[str(node["id"])]["inputs"][slot["name"]] for node, _, slot in free]
    definition = subgraph(drawing, SUB, inputs=inputs)
    box = Drawing().node(77, SUB, sockets=[], values=values)

    found = api(box.saved(definitions={"subgraphs": [definition]}))

    constants = {
        f"77:{key}": {n: v for n, v in node["inputs"].items() if not isinstance(v, list)}
        for key, node in graph.items()
    }
    assert constants == {
        key: {n: v for n, v in node["inputs"].items() if not isinstance(v, list)}
        for key, node in found.items()
    }


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-30, 30) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=4,
)


def _places(thing: Any) -> list[tuple[Any, Any]]:
    """Return every container with each of its keys, all the way down."""
    keys = [*thing] if isinstance(thing, dict) else range(len(thing))
    found = []
    for key in keys:
        found.append((thing, key))
        if isinstance(thing[key], dict | list):
            found += _places(thing[key])
    return found


GROUP = {
    "nodes": [
        {"type": "PrimitiveNode", "widgets_values": ["a"]},
        {
            "type": "Encode",
            "inputs": [{"name": "clip"}, {"name": "text", "widget": {"name": "text"}}],
        },
        {"type": "Reroute", "inputs": [{"name": "", "type": "*"}]},
        {"type": "Sampler", "inputs": [{"name": "cond", "type": "COND"}]},
    ],
    "links": [[0, 0, 1, 1, 1, "STRING"], [1, 0, 3, 0, 2, "COND"]],
    "external": [[1, 0, "COND"]],
    "config": {"1": {"input": {"clip": {"visible": True}}, "output": {"0": {"visible": True}}}},
}


def everything(graph: Json) -> Json:
    """Save a graph with each thing that an editor may put into one."""
    text = [("text", "STRING")]
    inner = subgraph(drawn(graph, detours=True), SUB, inputs=text)
    proxies = {"proxyWidgets": [["1", "text"], ["-1", "text"]]}
    saved = (
        drawn(graph, detours=True)
        .node(90, SUB, sockets=text, values=["x", "y"], properties=proxies)
        .node(91, "workflow>g", sockets=[("clip", "CLIP")], values=["x", 1, "fixed"])
        .node(92, "PrimitiveNode", values=["x"], outputs=["STRING"])
        .node(93, "SetNode", sockets=[("", "*")], wires={"": (92, 0)}, values=["n"])
        .node(94, "GetNode", outputs=["STRING"], values=["n"])
        .node(95, "Encode", wires={"text": (94, 0)}, values=[""])
        .node(96, "Tune", mode=4)
    )
    return saved.saved(definitions={"subgraphs": [inner]}, extra={"groupNodes": {"g": GROUP}})


@settings(UNHURRIED, max_examples=400)
@given(graphs(), st.data())
def test_whatever_is_broken_is_converted_or_refused(graph: Json, data: st.DataObject) -> None:
    broken = copy.deepcopy(everything(graph))
    for _ in range(data.draw(st.integers(0, 4))):
        container, key = data.draw(st.sampled_from(_places(broken)))
        container[key] = data.draw(JUNK)

    problems: Sequence[Problem] | None = None
    try:
        convert(broken, INFOS)
    except InvalidGraph as refusal:
        problems = refusal.problems

    assert problems is None or all(problem.text() for problem in problems)
    assert problems != ()
