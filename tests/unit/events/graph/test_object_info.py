"""What a machine's /object_info says against a graph, and what it must not be read to say."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.graph.object_info import check_against
from infra.translation import problem_text


def info(
    output: list[Any] | None = None,
    *,
    saves: bool = False,
    optional: dict[str, Any] | None = None,
    **required: Any,
) -> dict[str, Any]:
    return {
        "input": {"required": required, "optional": optional or {}},
        "output": output or [],
        "output_node": saves,
    }


MAKE = info(
    ["IMAGE", "MASK"],
    width=["INT", {"min": 16, "max": 64}],
    scale=["FLOAT", {"min": 0.0}],
    mode=[["fast", "slow"], {"default": "fast"}],
    channel=["COMBO", {"options": ["red", 1]}],
)
GOOD = {"width": 16, "scale": 1, "mode": "fast", "channel": "red"}
SAVE = info(saves=True, images=["IMAGE", {}])


def found(graph: dict[str, Any], **infos: Any) -> list[tuple[str, str]]:
    problems = check_against(graph, infos)
    for problem in problems:
        assert problem.text()
        assert problem_text(problem, "zh")
    return [(problem.code, problem.pointer) for problem in problems]


def made(**inputs: object) -> dict[str, Any]:
    return {
        "1": {"class_type": "Make", "inputs": GOOD | inputs},
        "2": {"class_type": "Save", "inputs": {"images": ["1", 0]}},
    }


def test_a_graph_that_fits_has_no_problems() -> None:
    assert found(made(), Make=MAKE, Save=SAVE) == []


@pytest.mark.parametrize(
    ("inputs", "codes"),
    [
        ({"width": "32"}, []),
        ({"width": 32.9}, []),
        ({"scale": "0.5"}, []),
        ({"channel": 1}, []),
        ({"unknown": object()}, []),
        ({"width": {"__value__": [1, 2]}}, []),
        ({"width": 15}, ["node_value_out_of_range"]),
        ({"width": "65"}, ["node_value_out_of_range"]),
        ({"scale": -0.1}, ["node_value_out_of_range"]),
        ({"width": "wide"}, ["node_value_not_number"]),
        ({"width": None}, ["node_value_not_number"]),
        ({"scale": [1, 2, 3]}, ["node_value_not_number"]),
        ({"mode": "warp"}, ["node_value_not_an_option"]),
        ({"channel": "blue"}, ["node_value_not_an_option"]),
        ({"width": 1, "mode": ""}, ["node_value_out_of_range", "node_value_not_an_option"]),
    ],
)
def test_constants_are_compared_as_comfyui_compares_them(
    inputs: dict[str, object], codes: list[str]
) -> None:
    expected = [(code, f"/1/inputs/{name}") for code, name in zip(codes, inputs, strict=False)]
    assert found(made(**inputs), Make=MAKE, Save=SAVE) == expected


def test_a_problem_names_node_class_input_and_the_options() -> None:
    (problem,) = check_against(made(mode="warp"), {"Make": MAKE, "Save": SAVE})
    assert problem.params == {
        "node": "1",
        "class_type": "Make",
        "input": "mode",
        "value": "warp",
        "options": "fast, slow",
    }
    assert problem.text() == (
        "node 1 (Make): the machine has no 'warp' for input 'mode'; it has: fast, slow"
    )


@pytest.mark.parametrize(
    "declared",
    [
        [[], {}],
        [["a.png"], {"image_upload": True}],
        ["COMBO", {"options": ["a"], "video_upload": True}],
        ["COMBO", {"remote": {"route": "/x"}}],
        ["COMBO", {"options": ["a"], "multiselect": True}],
        ["COMBO", {"options": {"a": 1}}],
        ["COMFY_DYNAMICCOMBO_V3", {"options": [{"key": "auto"}]}],
        ["STRING", {}],
        ["INT"],
        [],
        "odd",
    ],
)
def test_options_that_are_not_fixed_refuse_nothing(declared: Any) -> None:
    graph = {"1": {"class_type": "Show", "inputs": {"x": "7"}}}
    assert found(graph, Show=info(saves=True, x=declared)) == []


@pytest.mark.parametrize(
    ("declared", "value", "codes"),
    [
        ([[], {}], "model.safetensors", ["node_value_no_options"]),
        ([[]], "sub/model.CKPT", ["node_value_no_options"]),
        (["COMBO", {"options": []}], "lora.sft", ["node_value_no_options"]),
        (["COMBO", {"options": [], "multiselect": False}], "b", []),
        ([[], {}], "baked VAE", []),
        ([[], {}], 7, []),
        ([[], {"image_upload": True}], "a.bin", []),
        (["COMBO", {"options": [], "remote": {"route": "/x"}}], "a.bin", []),
        (["STRING", {}], "a.bin", []),
    ],
)
def test_a_folder_of_models_may_be_empty(declared: Any, value: object, codes: list[str]) -> None:
    graph = {"1": {"class_type": "Load", "inputs": {"x": value}}}
    expected = [(code, "/1/inputs/x") for code in codes]
    assert found(graph, Load=info(saves=True, x=declared)) == expected


def test_a_required_input_must_be_there_and_others_need_not() -> None:
    show = info(
        saves=True,
        optional={"b": ["INT", {"max": 1}]},
        a=["INT", {"default": 1}],
        c=["COMFY_AUTOGROW_V3", {}],
    )
    empty = {"1": {"class_type": "Show", "inputs": {}}}
    assert found(empty, Show=show) == [("node_input_missing", "/1/inputs/a")]
    full = {"1": {"class_type": "Show", "inputs": {"a": 1, "b": 2}}}
    assert found(full, Show=show) == [("node_value_out_of_range", "/1/inputs/b")]


@pytest.mark.parametrize(
    ("given", "expected", "fits"),
    [
        ("IMAGE", "IMAGE", True),
        ("IMAGE", "LATENT", False),
        ("IMAGE", "MASK,LATENT", False),
        ("IMAGE", "MASK, IMAGE", True),
        ("MESH,IMAGE", "IMAGE", True),
        ("*", "LATENT", True),
        ("IMAGE", "*", True),
        ("IMAGE", ["a", "b"], True),
        (["a", "b"], "STRING", True),
        ("IMAGE", "COMBO", True),
        ("COMFY_MATCHTYPE_V3", "LATENT", True),
        ("INT", "FLOAT", True),
        ("INT", "IMAGE", False),
    ],
)
def test_only_types_that_plainly_differ_are_refused(
    given: object, expected: object, *, fits: bool
) -> None:
    graph = {
        "1": {"class_type": "Give", "inputs": {}},
        "2": {"class_type": "Take", "inputs": {"x": ["1", 0]}},
    }
    problems = found(graph, Give=info([given]), Take=info(saves=True, x=[expected]))
    assert problems == ([] if fits else [("node_link_type", "/2/inputs/x")])


@pytest.mark.parametrize(("slot", "there"), [(0, True), (1.0, True), (2, False), (-1, False)])
def test_a_link_must_lead_to_an_output_that_exists(slot: float, *, there: bool) -> None:
    graph = made()
    graph["2"]["inputs"]["images"] = ["1", slot]
    save = info(saves=True, images=["*"])
    expected = [] if there else [("node_link_without_slot", "/2/inputs/images")]
    assert found(graph, Make=MAKE, Save=save) == expected


def test_an_unknown_class_is_told_wherever_it_stands_and_hides_no_other_problem() -> None:
    graph = made(width=1) | {"3": {"class_type": "Gone", "inputs": {"x": ["1", 9]}}}
    assert found(graph, Make=MAKE, Save=SAVE, Gone=None) == [
        ("node_unknown", "/3"),
        ("node_value_out_of_range", "/1/inputs/width"),
    ]


def test_a_class_nobody_asked_about_and_a_node_nothing_needs_are_not_judged() -> None:
    graph = made() | {
        "3": {"class_type": "Make", "inputs": {}},
        "4": {"class_type": "Unasked", "inputs": {}},
    }
    assert found(graph, Make=MAKE, Save=SAVE) == []


def test_a_graph_without_any_output_is_refused_unless_an_unknown_class_may_be_one() -> None:
    graph = {"1": {"class_type": "Make", "inputs": {}}}
    assert found(graph, Make=MAKE) == [("graph_without_output", "")]
    assert found(graph, Make=None) == [("node_unknown", "/1")]
    assert found(graph) == []


NAMES = st.sampled_from(["input", "required", "options", "output", "output_node", "min", "mode"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
INPUTS = st.fixed_dictionaries({"required": st.dictionaries(NAMES, ANYTHING, max_size=3)})
DESCRIPTIONS = st.dictionaries(NAMES, ANYTHING | INPUTS, max_size=4)


@given(DESCRIPTIONS, DESCRIPTIONS)
@settings(max_examples=100)
def test_no_description_is_too_odd_to_be_compared_with(
    make: dict[str, Any], save: dict[str, Any]
) -> None:
    problems = check_against(made(mode="warp", min=1), {"Make": make, "Save": save})
    assert all(problem.text() for problem in problems)
