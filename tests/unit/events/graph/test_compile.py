"""From a workflow's graph and a run's values to what a stock ComfyUI executes."""

from collections.abc import Mapping
from copy import deepcopy
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.errors import InvalidInputs, Problem
from events.graph.check import check_graph
from events.graph.compile import compile_graph
from events.graph.editor.seeds import Place
from events.graph.externals.classes import EXTERNALS
from events.graph.externals.values import ImageRef, Value
from events.graph.nodes import links

PROMPT = UUID(int=2)
REF = ImageRef(key="k", sha256="s", media_type="image/png", width=1, height=1)


def external(kind: str, name: str, **inputs: object) -> dict[str, Any]:
    return {
        "class_type": "ComfyUIDeployExternal" + kind,
        "inputs": {"input_id": name, "display_name": "", **inputs},
    }


def plain(**inputs: object) -> dict[str, Any]:
    return {"class_type": "Node", "inputs": inputs}


def compiled(
    graph: dict[str, Any],
    values: dict[str, Value] | None = None,
    *,
    prompt_id: UUID = PROMPT,
    seeds: Mapping[Place, object] = MappingProxyType({}),
    images: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    check_graph(graph)
    return compile_graph(
        graph,
        values or {},
        prompt_id=prompt_id,
        image_names=images,
        seeds=seeds,
    )


@pytest.mark.parametrize(
    ("node", "values", "constant"),
    [
        (external("Text", "x", default_value="a"), {}, "a"),
        (external("Text", "x", default_value="a"), {"x": ""}, ""),
        (external("Number", "x", default_value="3"), {}, 3.0),
        (external("NumberInt", "x", default_value=3), {"x": -3}, -3),
        (external("NumberInt", "x", default_value=3), {"x": 0}, 0),
        (external("NumberSlider", "x", max_value=9), {"x": 7.5}, 7.5),
        (external("Boolean", "x", default_value="false"), {}, False),
        (external("Lora", "x", default_lora_name="a.pt"), {}, "a.pt"),
        (external("Checkpoint", "x", default_value="a.ckpt"), {"x": "b.ckpt"}, "b.ckpt"),
    ],
)
def test_a_constant_goes_into_every_consumer_and_the_node_away(
    node: dict[str, Any], values: dict[str, Value], constant: Value
) -> None:
    graph = {"1": node, "2": plain(a=["1", 0], b="kept"), "3": plain(c=["1", 0], d=["2", 1])}
    assert compiled(graph, values) == {
        "2": plain(a=constant, b="kept"),
        "3": plain(c=constant, d=["2", 1]),
    }


def test_nodes_that_share_an_input_id_take_the_same_value_but_keep_their_own_defaults() -> None:
    graph = {
        "1": external("Text", "x", default_value="one"),
        "2": external("Text", "x", default_value="two"),
        "3": plain(a=["1", 0], b=["2", 0]),
    }
    assert compiled(graph, {"x": "given"}) == {"3": plain(a="given", b="given")}
    assert compiled(graph) == {"3": plain(a="one", b="two")}


def test_a_default_that_is_a_link_rewires_consumers_through_any_number_of_inputs() -> None:
    graph = {
        "1": plain(),
        "2": external("Text", "a", default_value=["1", 2]),
        "3": external("Text", "b", default_value=["2", 0]),
        "4": external("Number", "c", default_value=["5", 0]),
        "5": external("Number", "d", default_value=4),
        "6": plain(text=["3", 0], number=["4", 0]),
    }
    assert compiled(graph) == {"1": plain(), "6": plain(text=["1", 2], number=4.0)}
    assert compiled(graph, {"a": "x", "d": 5.0})["6"] == plain(text="x", number=5.0)


def test_a_value_is_never_taken_for_the_name_of_another_input() -> None:
    graph = {
        "1": external("Text", "a"),
        "2": external("Text", "b"),
        "3": plain(a=["1", 0], b=["2", 0], c="a"),
    }
    assert compiled(graph, {"a": "b", "b": "a"}) == {"3": plain(a="b", b="a", c="a")}


def test_an_image_is_loaded_in_place_of_its_node() -> None:
    graph = {
        "1": external("Image", "x", default_value=["9", 0]) | {"_meta": {"title": "It"}},
        "2": plain(image=["1", 0]),
        "9": plain(),
    }
    loaded = {"class_type": "LoadImage", "inputs": {"image": "x.png"}, "_meta": {"title": "It"}}
    assert compiled(graph, {"x": REF}, images={"x": "x.png"}) == graph | {"1": loaded}
    assert compiled(graph) == {"2": plain(image=["9", 0]), "9": plain()}


def test_an_image_with_alpha_keeps_its_transparency_under_the_same_id() -> None:
    graph = {"1": external("ImageAlpha", "x"), "1-image": plain(image=["1", 0])}
    assert compiled(graph, images={"x": "x.png"}) == {
        "1": {
            "class_type": "JoinImageWithAlpha",
            "inputs": {"image": ["1-image-", 0], "alpha": ["1-image-", 1]},
        },
        "1-image-": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
        "1-image": plain(image=["1", 0]),
    }


def test_every_input_without_value_and_default_is_told() -> None:
    graph = {
        "1": external("Text", "a/b"),
        "2": external("Image", "photo", default_value_url="http://a/b"),
    }
    with pytest.raises(InvalidInputs) as refusal:
        compiled(graph)
    assert refusal.value.problems == (
        Problem(code="input_required", pointer="/inputs/a~1b", params={"name": "a/b"}),
        Problem(code="input_required", pointer="/inputs/photo", params={"name": "photo"}),
    )


def test_an_image_that_never_reached_the_machine_is_a_mistake_of_the_caller() -> None:
    graph = {"1": external("Image", "x", default_value=["2", 0]), "2": plain()}
    with pytest.raises(KeyError, match="x"):
        compiled(graph, {"x": REF})


def test_seeds_take_the_place_of_what_was_saved_and_of_nothing_else() -> None:
    graph = {
        "1": external("NumberInt", "x"),
        "2": plain(seed=5, noise_seed=["1", 0], steps=5),
        "3": plain(seed=5),
    }
    assert compiled(graph, {"x": 42}, seeds={("2", "seed"): 7, ("4", "seed"): 8}) == {
        "2": plain(seed=7, noise_seed=42, steps=5),
        "3": plain(seed=5),
    }


@pytest.mark.parametrize("prefix", ["a/b", "../a/b", "/a/b"])
def test_files_go_into_the_prompts_own_folder_also_when_a_caller_names_them(prefix: str) -> None:
    graph = {
        "1": external("Text", "x"),
        "2": plain(filename_prefix=["1", 0]),
        "3": plain(filename_prefix=prefix),
        "4": plain(filename_prefix=["2", 0]),
    }
    own = f"comfyd/{PROMPT}/a/b"
    assert compiled(graph, {"x": prefix}) == {
        "2": plain(filename_prefix=own),
        "3": plain(filename_prefix=own),
        "4": plain(filename_prefix=["2", 0]),
    }


@pytest.mark.parametrize(
    ("prefix", "name"),
    [
        ("v1..final", "v1.final"),
        ("a....b/..c..d", "a.b/.c.d"),
        ("..", "ComfyUI"),
        ("a/../b", "a/b"),
        ("/etc/passwd", "etc/passwd"),
        (r"..\..\C:\a", "C:/a"),
        ("a\x00\n\u202eb", "ab"),
        ("a.\x00.b", "a.b"),
        ("漢" * 100, "漢" * 66),
        ("x" * 300 + "/" + "y" * 300, "x" * 200 + "/" + "y" * 200),
        ("/".join("abcdefghijk"), "a/b/c/d/e/f/g/k"),
        (" ", "ComfyUI"),
    ],
)
def test_a_prefix_that_makes_files_nobody_can_fetch_is_made_safe(prefix: str, name: str) -> None:
    graph = {"1": external("Text", "x"), "2": plain(filename_prefix=["1", 0])}
    assert compiled(graph, {"x": prefix}) == {
        "2": plain(filename_prefix=f"comfyd/{PROMPT}/{name}"),
    }


@pytest.mark.parametrize(
    "class_type",
    ["SaveImageWebsocket", "ETN_SendImageWebSocket", "ComfyDeployWebscoketImageOutput"],
)
def test_a_picture_that_would_only_be_sent_is_saved(class_type: str) -> None:
    graph = {
        "1": plain(),
        "2": {
            "class_type": class_type,
            "inputs": {"images": ["1", 0], "client_id": "me"},
            "_meta": {"title": "Send it"},
        },
    }
    assert compiled(graph, {})["2"] == {
        "class_type": "SaveImage",
        "inputs": {"images": ["1", 0], "filename_prefix": f"comfyd/{PROMPT}/ComfyUI"},
        "_meta": {"title": "Send it"},
    }


def test_a_sender_of_no_picture_still_lacks_it() -> None:
    graph = {"1": {"class_type": "SaveImageWebsocket", "inputs": {}}}
    saver = {"class_type": "SaveImage", "inputs": {"filename_prefix": f"comfyd/{PROMPT}/ComfyUI"}}
    assert compiled(graph, {}) == {"1": saver}


KINDS: dict[str, Value] = {
    "Text": "1",
    "Image": REF,
    "ImageAlpha": REF,
    "Number": 1.5,
    "NumberInt": 3,
    "Boolean": True,
    "Checkpoint": "a.ckpt",
}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Value]]:
    """Draw a graph whose links lead to earlier nodes, with a value for what has no default."""
    graph: dict[str, Any] = {}
    values: dict[str, Value] = {}
    for node_id in draw(st.lists(st.sampled_from("abcdefgh") | st.text(), unique=True, min_size=1)):
        sources: st.SearchStrategy[str | None] = st.sampled_from([None, *graph])
        source = draw(sources)
        link = None if source is None else [source, 0]
        kind = draw(st.sampled_from([*KINDS, "plain"]))
        if kind == "plain":
            graph[node_id] = plain(seed=1, filename_prefix="p", a=link or node_id)
            continue
        name = f"name of {node_id}"
        graph[node_id] = external(kind, name, **({"default_value": link} if link else {}))
        if link is None or draw(st.booleans()):
            values[name] = KINDS[kind]
    return graph, values


@given(graphs())
def test_whatever_is_compiled_is_whole_stock_and_repeatable(
    drawn: tuple[dict[str, Any], dict[str, Value]],
) -> None:
    graph, values = drawn
    before = deepcopy(drawn)
    images = {name: "x.png" for name, value in values.items() if isinstance(value, ImageRef)}
    result = compiled(graph, values, images=images)
    assert (graph, values) == before
    assert compiled(graph, values, images=images) == result
    assert check_graph(result or {"1": plain()})
    for node in result.values():
        assert node["class_type"] not in EXTERNALS
        assert all(source in result for _, source, _ in links(node))
