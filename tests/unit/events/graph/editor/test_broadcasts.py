"""What Use Everywhere wires when a run is queued is wired, or refused; never just left out."""

from typing import Any

import pytest

from tests.builders.editor_graphs import INFOS, Drawing, Json, api, info, problems, subgraph

EVERYWHERE = "Anything Everywhere"
SUB = "0b5a1e4e-0000-4000-8000-000000000001"


def broadcast(
    downstream: int, slot: int, upstream: tuple[int, int] = (1, 1), kind: str = "CLIP"
) -> Json:
    return {
        "downstream": downstream,
        "downstream_slot": slot,
        "upstream": str(upstream[0]),
        "upstream_slot": upstream[1],
        "controller": 2,
        "type": kind,
    }


def everywhere(*links: Json, **extra: Any) -> Json:
    """Draw a loader whose clip goes everywhere, and an encoder without one."""
    drawing = (
        Drawing()
        .node(1, "Loader", values=["a.safetensors"])
        .node(2, EVERYWHERE, sockets=[("anything", "*")], wires={"anything": (1, 1)})
        .node(3, "Encode", values=["a"])
    )
    return drawing.saved(extra={"ue_links": [*links], **extra})


def test_a_broadcast_is_a_wire() -> None:
    found = api(everywhere(broadcast(3, 1)))

    assert found["3"]["inputs"] == {"text": "a", "clip": ["1", 1]}
    assert [*found] == ["1", "3"]


def test_the_number_of_an_input_counts_those_that_an_export_leaves_out() -> None:
    saved = everywhere(broadcast(3, 0))
    saved["nodes"][2]["inputs"] = []

    assert api(saved)["3"]["inputs"]["clip"] == ["1", 1]


def test_a_broadcast_wins_over_the_widget_and_over_a_wire() -> None:
    infos = {**INFOS, "Text": info("STRING", value=["STRING", {}])}
    drawing = (
        Drawing(infos)
        .node(1, "Text", values=["wired"])
        .node(4, "Text", values=["broadcast"])
        .node(3, "Encode", values=["a"], wires={"text": (1, 0)})
    )
    saved = drawing.saved(extra={"ue_links": [broadcast(3, 0, (4, 0), "STRING")]})

    assert api(saved, infos)["3"]["inputs"] == {"text": ["4", 0]}


def test_a_subgraph_has_broadcasts_of_its_own() -> None:
    inside = (
        Drawing()
        .node(21, "Loader", values=["a.safetensors"])
        .node(22, EVERYWHERE, sockets=[("anything", "*")], wires={"anything": (21, 1)})
        .node(23, "Encode", values=["a"])
    )
    definition = subgraph(inside, SUB)
    definition["extra"] = {"ue_links": [broadcast(23, 1, (21, 1)), broadcast(-20, 0, (21, 1))]}
    definition["outputs"] = [{"name": "CLIP", "type": "CLIP"}]
    saved = (
        Drawing()
        .node(5, SUB, sockets=[], outputs=["CLIP"])
        .node(6, "Encode", values=["b"], wires={"clip": (5, 0)})
        .saved(definitions={"subgraphs": [definition]})
    )

    found = api(saved)

    assert found["5:23"]["inputs"]["clip"] == ["5:21", 1]
    assert found["6"]["inputs"]["clip"] == ["5:21", 1]


def test_a_machine_that_knows_the_pack_gets_its_nodes() -> None:
    infos = {**INFOS, EVERYWHERE: info(saves=True, optional={"anything": ["*", {}]})}

    assert api(everywhere(broadcast(3, 1)), infos)["2"]["inputs"] == {"anything": ["1", 1]}


@pytest.mark.parametrize(
    "link",
    [broadcast(3, 0), broadcast(3, 7), broadcast(3, -1), broadcast(3, 1, kind="MODEL")],
)
def test_a_broadcast_to_what_is_not_there_is_refused(link: Json) -> None:
    assert problems(everywhere(link)) == [("ui_broadcast_misses", "/nodes/2")]


def test_an_input_that_the_class_has_lost_is_not_wired_in_silence() -> None:
    saved = everywhere(broadcast(3, 1))
    saved["nodes"][2]["inputs"][1] = {"name": "lost", "type": "CLIP", "widget": {"name": "lost"}}

    assert problems(saved) == [("ui_broadcast_misses", "/nodes/2")]


def test_broadcasts_that_were_not_saved_are_refused() -> None:
    saved = everywhere()
    del saved["extra"]["ue_links"]
    unused = {**subgraph(Drawing(), SUB), "nodes": saved["nodes"]}
    idle = Drawing().node(2, EVERYWHERE, sockets=[("anything", "*")]).saved()

    assert problems(saved) == [("ui_broadcast_unsaved", "/nodes/1")]
    assert api(idle) == {}
    assert api({**idle, "definitions": {"subgraphs": [unused]}}) == {}


def test_a_seed_that_goes_everywhere_is_wired_or_refused() -> None:
    infos = {**INFOS, "Seed Everywhere": info("INT", seed=["INT", {}])}
    drawing = (
        Drawing(infos)
        .node(1, "Seed Everywhere", outputs=["INT"], values=[7, "fixed"])
        .node(3, "Latent", values=[8, 8])
    )
    wired = drawing.saved(extra={"ue_links": [broadcast(3, 0, (1, 0), "INT")]})

    assert api(wired, infos)["3"]["inputs"]["width"] == ["1", 0]
    assert problems(drawing.saved(), infos) == [("ui_broadcast_unsaved", "/nodes/0")]
    assert api(drawing.saved(extra={"ue_links": []}), infos)["3"]["inputs"]["width"] == 8


def test_broadcasts_from_and_to_nowhere() -> None:
    assert problems(everywhere(broadcast(3, 1, (99, 0)))) == [("link_broken", "/nodes/2")]
    assert "clip" not in api(everywhere(broadcast(99, 1)))["3"]["inputs"]
    assert problems(everywhere({"downstream": 3})) == [("ui_graph_malformed", "/extra/ue_links/0")]
