"""Which seeds chance decides, within which limits, and which of them are one."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest

from events.graph.compile import compile_graph
from events.graph.editor.convert import convert
from events.graph.object_info import check_against
from events.graph.seeds import choose_seeds, named_seeds, seed_for
from tests.builders.editor_graphs import Json, info
from tests.editor_oracle.answers import object_info, read_answers

RUN = UUID(int=1)


def plain(**inputs: object) -> Json:
    return {"class_type": "Node", "inputs": inputs}


def wanting(kind: str = "INT", **extra: object) -> Json:
    """Describe a class with one input, a seed."""
    return {"Node": info("X", seed=[kind, extra], saves=True)}


@pytest.fixture(scope="module")
def stock() -> Json:
    classes: Json = msgspec.json.decode(object_info())
    return classes


def test_how_seeds_are_derived_does_not_change_between_versions() -> None:
    assert seed_for(RUN, ("1", "seed")) == 259_327_766_679_149


def test_seeds_are_new_for_each_run_and_the_same_for_each_attempt() -> None:
    graph = {"1": plain(seed=5, noise_seed=5, steps=5), "2": plain(seed=5)}

    first, again, other = (choose_seeds(graph, r, infos={}) for r in (RUN, RUN, UUID(int=9)))

    assert first == again
    assert [*first] == [("1", "seed"), ("1", "noise_seed"), ("2", "seed")]
    assert len({*first.values(), *other.values()}) == 6
    assert all(len(str(seed)) == 15 for seed in first.values())


@pytest.mark.parametrize("seed", [["2", 0], "random", True, 1.5, None, {"__value__": [1]}])
def test_only_a_whole_number_is_left_to_chance(seed: object) -> None:
    assert choose_seeds({"1": plain(seed=seed), "2": plain()}, RUN, infos=wanting()) == {}


@pytest.mark.parametrize("kind", ["FLOAT", "STRING"])
def test_an_input_of_another_type_is_no_seed(kind: str) -> None:
    assert choose_seeds({"1": plain(seed=1)}, RUN, infos=wanting(kind)) == {}


@pytest.mark.parametrize(
    ("extra", "least", "most"),
    [
        ({}, 10**14, 10**15 - 1),
        ({"min": 0, "max": 2**64 - 1}, 10**14, 10**15 - 1),
        ({"min": -(2**63), "max": 2**63}, 10**14, 10**15 - 1),
        ({"min": 0, "max": 2**32 - 1}, 0, 2**32 - 1),
        ({"min": 1, "max": 2**31 - 1}, 1, 2**31 - 1),
        ({"min": -1, "max": 2**31 - 1}, 0, 2**31 - 1),
        ({"min": -9, "max": -5}, -9, -5),
        ({"min": 0.0, "max": 65535.0}, 0, 65535),
        ({"max": 100}, 0, 100),
        ({"min": 5 * 10**14}, 5 * 10**14, 10**15 - 1),
        ({"min": 10**16, "max": 10**17}, 10**16, 10**17),
        ({"min": 7, "max": 7}, 7, 7),
        ({"min": 7, "max": 3}, 10**14, 10**15 - 1),
    ],
)
def test_a_seed_is_within_the_limits_of_its_class(extra: Json, least: int, most: int) -> None:
    infos = wanting(**extra)
    seeds = {
        choose_seeds({"1": plain(seed=1)}, UUID(int=run), infos=infos)["1", "seed"]
        for run in range(200)
    }

    assert least <= min(seeds) <= max(seeds) <= most
    assert len(seeds) > 190 or most - least < 200


def test_every_stock_class_takes_the_seeds_that_it_is_given(stock: Json) -> None:
    """What was refused before: 15 digits for 32 bits."""
    wide = []
    for name, described in stock.items():
        inputs = {
            **described["input"].get("required", {}),
            **described["input"].get("optional", {}),
        }
        for seed in {"seed", "noise_seed"} & inputs.keys():
            graph: Json = {"1": {"class_type": name, "inputs": {seed: 1}}}
            seeds = choose_seeds(graph, RUN, infos=stock)
            graph["1"]["inputs"][seed] = seeds["1", seed]
            of_an_output = {name: {**described, "output_node": True}}
            found = [p for p in check_against(graph, of_an_output) if p.params.get("input") == seed]
            assert not found
            wide.append(seeds["1", seed] > 2**32)
    assert len(wide) > 80
    assert {*wide} == {True, False}


def together(seeds: dict[tuple[str, str], int]) -> list[list[tuple[str, str]]]:
    """Return the places of each seed."""
    places = defaultdict(list)
    for place, seed in seeds.items():
        places[seed].append(place)
    return sorted(sorted(found) for found in places.values())


def test_chance_decides_where_it_does_in_the_editor(stock: Json) -> None:
    """For all templates, and for the cases: primitives, boxes, boxes in boxes."""
    different = []
    for answer in read_answers():
        if answer.form == "given" and answer.sends is not None:
            chosen = choose_seeds(answer.sends, RUN, infos=stock, ui_graph=answer.graph)
            if together(chosen) != in_order(answer.varies):
                different.append((answer.name, together(chosen), in_order(answer.varies)))

    assert not different


def in_order(varies: Sequence[Sequence[Sequence[str]]]) -> list[list[tuple[str, str]]]:
    return sorted(sorted((node, name) for node, name in places) for places in varies)


@pytest.mark.parametrize(
    "ui_graph", [{}, {"nodes": None}, {"nodes": [None]}, {"nodes": [{"id": 1}]}, {"nodes": []}]
)
def test_a_graph_of_the_editor_that_says_nothing_leaves_it_to_the_name(ui_graph: Json) -> None:
    seeds = choose_seeds({"1": plain(seed=1)}, RUN, infos=wanting(), ui_graph=ui_graph)

    assert [*seeds] == [("1", "seed")]


def test_one_seed_for_several_classes_is_within_the_limits_of_all() -> None:
    infos = {
        "Wide": info("X", seed=["INT", {"min": 0, "max": 2**64 - 1, "control_after_generate": 1}]),
        "Narrow": info("X", seed=["INT", {"min": 0, "max": 9, "control_after_generate": 1}]),
    }
    seed = {"name": "seed", "type": "INT", "widget": {"name": "seed"}}
    ui_graph = {
        "nodes": [
            {"id": 1, "type": "PrimitiveNode", "widgets_values": [5, "randomize"]},
            {"id": 2, "type": "Wide", "inputs": [{**seed, "link": 1}], "widgets_values": [5]},
            {"id": 3, "type": "Narrow", "inputs": [{**seed, "link": 2}], "widgets_values": [5]},
        ],
        "links": [[1, 1, 0, 2, 0, "INT"], [2, 1, 0, 3, 0, "INT"]],
    }
    graph = convert(ui_graph, infos).graph

    chosen = choose_seeds(graph, RUN, infos=infos, ui_graph=ui_graph)

    assert together(chosen) == [[("2", "seed"), ("3", "seed")]]
    assert 0 <= chosen["2", "seed"] <= 9


@pytest.mark.parametrize(
    ("word", "inner", "free"), [("fixed", "randomize", False), ("randomize", "fixed", True)]
)
def test_the_word_of_a_group_node_counts(word: str, inner: str, *, free: bool) -> None:
    infos = {"Node": info("X", seed=["INT", {"control_after_generate": True}])}
    group = {"nodes": [{"type": "Node", "index": 0, "widgets_values": [1, inner]}]}
    ui_graph = {
        "nodes": [{"id": 5, "type": "workflow>g", "widgets_values": [2, word]}],
        "extra": {"groupNodes": {"g": group}},
    }
    graph = convert(ui_graph, infos).graph

    chosen = choose_seeds(graph, RUN, infos=infos, ui_graph=ui_graph)

    assert [node["inputs"] for node in graph.values()] == [{"seed": 2}]
    assert bool(chosen) is free


def test_a_seed_that_the_caller_sent_is_never_changed() -> None:
    named = {"class_type": "ComfyUIDeployExternalNumberInt", "inputs": {"input_id": "x"}}
    graph = {"1": named, "2": plain(seed=["1", 0])}

    seeds = choose_seeds(graph, RUN, infos=wanting(max=9))
    compiled: Any = compile_graph(graph, {"x": 10**18}, prompt_id=RUN, image_names={}, seeds=seeds)

    assert compiled == {"2": plain(seed=10**18)}


def test_seeds_are_known_by_name_where_no_class_is() -> None:
    graph = {"1": plain(seed=1, noise_seed=["2", 0], steps=1), "2": plain(noise_seed=2)}

    assert named_seeds(graph) == [("1", "seed"), ("2", "noise_seed")]
