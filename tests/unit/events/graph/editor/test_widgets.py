"""Values without names find their inputs; where they cannot, the node is named."""

from typing import Any

import pytest

from events.graph.editor.classes import NodeClass
from events.graph.editor.shape import Node, Slot
from events.graph.editor.widgets import read_node
from tests.builders.editor_graphs import Drawing, Json, api, info, problems

INT = ["INT", {}]
TEXT = ["STRING", {}]
CONTROLLED_COMBO = [["a", "b"], {"control_after_generate": True}]


def read(declared: Json, values: object, *slots: Slot) -> dict[str, object]:
    node = Node(type="It", inputs=[*slots], widgets_values=values)
    return dict(read_node(NodeClass("It", declared), node).values)


def drawn(declared: Json, values: object) -> tuple[Json, dict[str, Json]]:
    """Draw one node of a class, and give the classes with it."""
    infos = {"It": declared}
    return Drawing(infos).node(1, "It", values=values).saved(), infos


@pytest.mark.parametrize(
    ("declared", "values", "expected"),
    [
        (info(seed=INT, n=INT), [5, "fixed", 7], {"seed": 5, "n": 7}),
        (info(noise_seed=INT, n=INT), [5, "randomize", 7], {"noise_seed": 5, "n": 7}),
        (info(seed=INT, n=INT), [5, 7], {"seed": 5, "n": 7}),
        (
            info(seed=["INT", {"control_after_generate": False}], n=TEXT),
            [5, "fixed"],
            {"seed": 5, "n": "fixed"},
        ),
        (
            info(n=["INT", {"control_after_generate": True}], m=INT),
            [1, "increment", 2],
            {"n": 1, "m": 2},
        ),
        (
            info(pick=CONTROLLED_COMBO, n=INT),
            ["b", "increment-wrap", "/x/", 3],
            {"pick": "b", "n": 3},
        ),
        (info(seed=["FLOAT", {}], n=TEXT), [0.5, "fixed"], {"seed": 0.5, "n": "fixed"}),
        (
            info(n=["FLOAT", {"control_after_generate": True}], m=INT),
            [0.5, "fixed", 2],
            {"n": 0.5, "m": 2},
        ),
        (info(seed=INT, n=INT), [5, True, 7], {"seed": 5, "n": 7}),
        (info(seed=INT, n=INT), [5, False, 7], {"seed": 5, "n": 7}),
    ],
)
def test_what_follows_a_seed_is_passed_over(
    declared: Json, values: list[Any], expected: Json
) -> None:
    assert read(declared, values) == expected


def test_sockets_take_no_value() -> None:
    declared = info(
        model=["MODEL", {}],
        n=INT,
        forced=["INT", {"forceInput": True}],
        either=["INT,FLOAT", {}],
        m=INT,
    )

    assert read(declared, [1, 2]) == {"n": 1, "m": 2}


def test_optional_inputs_come_after_the_required_ones() -> None:
    declared = info(n=INT, optional={"m": INT})

    assert read(declared, [1, 2]) == {"n": 1, "m": 2}


def test_the_order_is_the_one_that_the_machine_tells() -> None:
    declared = info(a=INT, b=INT)
    declared["input_order"]["required"] = ["b", "a"]

    assert read(declared, [1, 2]) == {"b": 1, "a": 2}
    assert read({**declared, "input_order": {"required": ["b"]}}, [1, 2]) == {"b": 1, "a": 2}
    assert read({**declared, "input_order": None}, [1, 2]) == {"a": 1, "b": 2}


def test_an_upload_button_before_optional_inputs() -> None:
    declared = info(image=[["x"], {"image_upload": True}], optional={"n": INT})

    assert read(declared, ["x", "image", 4]) == {"image": "x", "n": 4}
    assert read(declared, ["x", 4]) == {"image": "x", "n": 4}
    assert read(declared, ["x", {"name": "upload", "type": "button"}, 4]) == {"image": "x", "n": 4}


def test_a_type_of_a_pack_is_a_widget_where_the_graph_shows_it_as_one() -> None:
    declared = info(shade=["PACK_COLOUR", {}], n=INT)

    assert read(declared, [3]) == {"n": 3}
    shown = Slot(name="shade", widget={"name": "shade"})
    assert read(declared, ["red", 3], shown) == {"shade": "red", "n": 3}
    assert read(info(x=["PACK", {"widgetType": "INT"}], n=INT), [1, 2]) == {"x": 1, "n": 2}


def test_below_a_bounding_box_its_numbers_are_saved_again() -> None:
    box = {"x": 1, "y": 2, "width": 30, "height": 40}
    declared = info(image=["IMAGE", {}], region=["BOUNDING_BOX", {}], n=INT)

    assert read(declared, [box, 1, 2, 30, 40, 7]) == {"region": box, "n": 7}
    assert read(declared, None)["region"] == {"x": 0, "y": 0, "width": 512, "height": 512}


def test_a_view_that_compares_pictures_has_no_saved_value() -> None:
    declared = info(n=INT, view=["IMAGECOMPARE", {}], m=INT)

    assert read(declared, [1, 2]) == {"n": 1, "view": ["", ""], "m": 2}
    assert api(*drawn(declared, [1, 2]))["1"]["inputs"]["view"] == {"__value__": ["", ""]}


def test_a_combo_that_holds_nothing_holds_its_first_option() -> None:
    assert read(info(c=[["a", "b"], {}]), [None]) == {"c": "a"}
    assert read(info(c=["COMBO", {"options": ["a", "b"], "default": "b"}]), [None]) == {"c": "a"}


def test_a_sampler_of_early_2023_has_the_name_of_today() -> None:
    declared = info(sampler_name=[["euler"], {}])
    node = Node(type="KSampler", widgets_values=["sample_euler"])

    assert read_node(NodeClass("KSampler", declared), node).values == {"sampler_name": "euler"}
    assert read(declared, ["sample_euler"]) == {"sampler_name": "sample_euler"}


def test_values_of_inputs_that_once_were_widgets_are_dropped() -> None:
    declared = info(n=INT, forced=["INT", {"forceInput": True}], m=INT)

    assert read(declared, [1, 99, 2]) == {"n": 1, "m": 2}
    assert read(declared, [1, 2]) == {"n": 1, "m": 2}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["b", 1, "a", "b", "c", ""], {"index": 1, "option1": "a", "option2": "b", "option3": "c"}),
        (["b", 0, "b"], {"index": 0, "option1": "b"}),
        (["b", 5, "a", ""], {"index": -1, "option1": "a"}),
        (["b", 1, "a", "", "b", ""], {"index": -1, "option1": "a"}),
    ],
)
def test_a_custom_combo_has_as_many_options_as_are_filled_in(
    values: list[Any], expected: Json
) -> None:
    declared = info(choice=["COMBO", {"options": []}])
    node = Node(type="CustomCombo", widgets_values=values)
    last = f"option{len(expected)}"

    reading = read_node(NodeClass("CustomCombo", declared), node)
    found = dict(reading.values)

    assert not reading.rest
    assert found == {"choice": "b", **expected, last: ""}


def test_a_primitive_chooses_in_a_custom_combo() -> None:
    infos = {"CustomCombo": info("STRING", choice=["COMBO", {"options": []}])}
    drawing = (
        Drawing(infos)
        .node(1, "PrimitiveNode", outputs=["COMBO"], values=["b", "fixed", ""])
        .node(2, "CustomCombo", wires={"choice": (1, 0)}, values=["a", 0, "a", "b", ""])
    )

    assert api(drawing.saved(), infos)["2"]["inputs"] == {
        "choice": "b",
        "index": 1,
        "option1": "a",
        "option2": "b",
        "option3": "",
    }


FORMATS = {
    "video/h264": [["crf", "INT", {"default": 19}], ["pix", ["a", "b"]], ["save", "BOOLEAN"]],
    "image/gif": [["dither", ["sierra", "none"], {"default": "none"}], "broken", [7]],
}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"rate": 8, "format": "video/h264", "crf": 17, "pix": "b", "preview": {"x": 1}},
            {"rate": 8, "format": "video/h264", "crf": 17, "pix": "b", "save": False},
        ),
        (
            {"rate": 8, "format": "image/gif"},
            {"rate": 8, "format": "image/gif", "dither": "none"},
        ),
        ({"rate": 8, "format": "image/webp"}, {"rate": 8, "format": "image/webp"}),
    ],
)
def test_a_format_brings_its_own_widgets(values: Json, expected: Json) -> None:
    declared = info(rate=INT, format=[[*FORMATS, "image/webp"], {"formats": FORMATS}])

    assert read(declared, values) == expected


DYNAMIC = [
    "COMFY_DYNAMICCOMBO_V3",
    {
        "options": [
            {
                "key": "png",
                "inputs": {"required": {"depth": INT}, "optional": {"mask": ["MASK", {}]}},
            },
            {"key": "jpg", "inputs": {"required": {"quality": INT, "note": TEXT}}},
        ]
    },
]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["png", 8, 3], {"format": "png", "format.depth": 8, "n": 3}),
        (["jpg", 90, "x", 3], {"format": "jpg", "format.quality": 90, "format.note": "x", "n": 3}),
        (["gif", 3], {"format": "gif", "n": 3}),
        (None, {"format": "png", "format.depth": 0, "n": 0}),
    ],
)
def test_a_choice_brings_its_own_inputs(values: list[Any] | None, expected: Json) -> None:
    assert read(info(format=DYNAMIC, n=INT), values) == expected


def test_of_inputs_that_grow_there_are_as_many_as_the_graph_has() -> None:
    declared = info(values=["COMFY_AUTOGROW_V3", {"template": {}}], n=INT)
    slots = [Slot(name=f"values.{c}", type="INT", widget={}) for c in "ab"]
    slots.append(Slot(name="values.c", type="IMAGE"))

    assert read(declared, [1, 2, 3], *slots) == {"values.a": 1, "values.b": 2, "n": 3}


@pytest.mark.parametrize(
    ("declared", "values", "code"),
    [
        (info(n=INT), ["x"], "ui_widget_misfit"),
        (info(n=INT), [None], "ui_widget_misfit"),
        (info(n=INT), [True], "ui_widget_misfit"),
        (info(n=["FLOAT", {}]), [[1]], "ui_widget_misfit"),
        (info(b=["BOOLEAN", {}]), ["euler"], "ui_widget_misfit"),
        (info(t=TEXT), [["a"]], "ui_widget_misfit"),
        (info(c=[["a"], {}]), [{"a": 1}], "ui_widget_misfit"),
        (info(c=[["a"], {}]), [False], "ui_widget_misfit"),
        (
            info(c=[["b"], {"formats": {"b": [["d", ["x"]]]}}], n=INT),
            ["b", True],
            "ui_widget_misfit",
        ),
        (info(n=INT), [1, 2], "ui_widgets_surplus"),
        (info(n=INT), [1, "", False], "ui_widgets_surplus"),
        (info(x=["MODEL", {}]), [{}, {"lora": "x"}], "ui_widgets_surplus"),
        (info(x=["LOAD_3D", {}]), [{"camera": 1}], "ui_widget_live"),
        (info(x=["WEBCAM", {}]), [], "ui_widget_live"),
        (info(x=["STRING", {"widgetType": "PAINTER"}]), [""], "ui_widget_live"),
    ],
)
def test_values_that_may_be_at_the_wrong_place_stop_the_conversion(
    declared: Json, values: list[Any], code: str
) -> None:
    assert problems(*drawn(declared, values)) == [(code, "/nodes/0")]


@pytest.mark.parametrize(
    ("declared", "values", "expected"),
    [
        (info(n=INT), ["5"], {"n": "5"}),
        (info(b=["BOOLEAN", {}]), ["true"], {"b": "true"}),
        (info(t=TEXT), [5], {"t": 5}),
        (info(n=INT), [1, None, "", []], {"n": 1}),
        (info(x=["MODEL", {}]), ["what it showed last", ["x"], 4], {}),
        (info(c=[[], {}]), None, {}),
        (info(c=[[], {}]), [False], {"c": False}),
        (info(c=[[True, False], {}]), [False], {"c": False}),
        (
            info(c=["CURVE", {}]),
            [[[0, 0], [1, 1]]],
            {"c": {"__type__": "CURVE", "__value__": [[0, 0], [1, 1]]}},
        ),
        (info(x=["STRING", {"widgetType": "PAINTER"}]), ["a.png [input]"], {"x": "a.png [input]"}),
        (info(c=["CURVE", {}]), [{"points": []}], {"c": {"points": []}}),
    ],
)
def test_in_doubt_a_value_is_taken(declared: Json, values: list[Any], expected: Json) -> None:
    assert api(*drawn(declared, values))["1"]["inputs"] == expected
