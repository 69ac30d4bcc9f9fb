"""A saved graph becomes what the editor's own export would write."""

import time
from typing import Any

import pytest

from events.graph.check import check_graph
from events.graph.editor.convert import convert
from events.graph.editor.plugin import PLUGIN_INFOS
from events.graph.externals.classes import EXTERNALS
from events.graph.externals.plugin import PLUGIN_CLASSES
from events.graph.inputs import input_schema
from tests.builders.editor_graphs import INFOS, Drawing, Json, api, info, problems


def text_to_image() -> Drawing:
    """Draw the graph that everyone begins with."""
    return (
        Drawing()
        .node(4, "Loader", values=["a.safetensors"])
        .node(6, "Encode", wires={"clip": (4, 1)}, values=["a cat"])
        .node(5, "Latent", values=[640, 480])
        .node(
            3,
            "Sampler",
            wires={"model": (4, 0), "cond": (6, 0), "latent": (5, 0)},
            values=[42, "randomize", 7, 1.5, "ddim", 0.5],
        )
        .node(9, "Save", wires={"images": (3, 0)}, values=["out"])
    )


def test_a_whole_graph() -> None:
    assert api(text_to_image().saved()) == {
        "3": {
            "class_type": "Sampler",
            "inputs": {
                "seed": 42,
                "steps": 7,
                "cfg": 1.5,
                "name": "ddim",
                "denoise": 0.5,
                "model": ["4", 0],
                "cond": ["6", 0],
                "latent": ["5", 0],
            },
        },
        "4": {"class_type": "Loader", "inputs": {"ckpt": "a.safetensors"}},
        "5": {"class_type": "Latent", "inputs": {"width": 640, "height": 480}},
        "6": {"class_type": "Encode", "inputs": {"text": "a cat", "clip": ["4", 1]}},
        "9": {"class_type": "Save", "inputs": {"prefix": "out", "images": ["3", 0]}},
    }


def test_nodes_come_in_the_order_of_their_numbers() -> None:
    assert list(api(text_to_image().saved())) == ["3", "4", "5", "6", "9"]


def test_a_node_keeps_its_title_or_gets_that_of_its_class() -> None:
    saved = text_to_image().node(10, "Latent", values=[8, 8], title="Small").saved()

    titles = {key: node["_meta"]["title"] for key, node in convert(saved, INFOS).graph.items()}

    assert (titles["3"], titles["4"], titles["10"]) == ("K Sampler", "Loader", "Small")


def test_each_node_is_found_again_in_what_was_saved() -> None:
    pointers = convert(text_to_image().saved(), INFOS).pointers

    assert pointers == {f"{key}": f"/nodes/{i}" for i, key in enumerate([4, 6, 5, 3, 9])}


def test_links_may_be_objects_or_kept_by_id() -> None:
    saved = text_to_image().saved()
    fields = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    objects = [dict(zip(fields, link, strict=True)) for link in saved["links"]]

    for links in (objects, {str(link["id"]): link for link in objects}):
        assert api({**saved, "links": links}) == api(saved)


def test_a_value_that_was_not_saved_is_the_default() -> None:
    drawing = Drawing().node(1, "Latent").node(2, "Latent", values=[8]).node(3, "Loader")

    assert api(drawing.saved()) == {
        "1": {"class_type": "Latent", "inputs": {"width": 512, "height": 512}},
        "2": {"class_type": "Latent", "inputs": {"width": 8, "height": 512}},
        "3": {"class_type": "Loader", "inputs": {"ckpt": "a.safetensors"}},
    }


def test_a_link_wins_over_the_widget_that_it_replaced() -> None:
    drawing = (
        Drawing({**INFOS, "Int": info("INT", value=["INT", {}])})
        .node(1, "Int", values=[9])
        .node(2, "Latent", wires={"height": (1, 0)}, values=[64, 64])
    )

    found = api(drawing.saved(), {**INFOS, "Int": info("INT", value=["INT", {}])})

    assert found["2"]["inputs"] == {"width": 64, "height": ["1", 0]}


def test_values_may_be_saved_by_name() -> None:
    drawing = Drawing().node(1, "Latent", values={"height": 9, "width": 8, "preview": {"x": 1}})

    assert api(drawing.saved())["1"]["inputs"] == {"width": 8, "height": 9}


def test_an_upload_button_has_no_value_of_its_own() -> None:
    drawing = Drawing().node(1, "Load", values=["x.png", "image"])

    assert api(drawing.saved())["1"]["inputs"] == {"image": "x.png"}


def test_a_list_is_not_taken_for_a_link() -> None:
    infos = {"Pick": info("X", names=[["a", "b"], {"multiselect": True}])}
    drawing = Drawing(infos).node(1, "Pick", values=[["a", "b"]])

    assert api(drawing.saved(), infos)["1"]["inputs"] == {"names": {"__value__": ["a", "b"]}}


def test_muted_nodes_are_left_out_with_the_links_to_them() -> None:
    saved = text_to_image().saved()
    next(node for node in saved["nodes"] if node["id"] == 6)["mode"] = 2

    found = api(saved)

    assert sorted(found) == ["3", "4", "5", "9"]
    assert "cond" not in found["3"]["inputs"]


@pytest.mark.parametrize(
    ("output", "source"),
    [(0, ["1", 0]), (1, ["2", 0])],
)
def test_a_bypassed_node_hands_on_what_lies_opposite(output: int, source: list[Any]) -> None:
    drawing = (
        Drawing()
        .node(1, "Encode", values=["a"])
        .node(2, "Encode", values=["b"])
        .node(3, "Both", wires={"first": (1, 0), "second": (2, 0)}, mode=4)
        .node(4, "Sampler", wires={"cond": (3, output)}, values=[1, "fixed"])
    )

    assert api(drawing.saved())["4"]["inputs"]["cond"] == source


def test_a_bypassed_node_hands_on_by_type() -> None:
    drawing = (
        Drawing()
        .node(1, "Loader")
        .node(
            2,
            "Swap",
            mode=4,
            sockets=[("clip", "CLIP"), ("model", "MODEL")],
            outputs=["MODEL", "CLIP"],
            wires={"clip": (1, 1), "model": (1, 0)},
        )
        .node(3, "Tune", wires={"model": (2, 0), "clip": (2, 1)}, values=[1.0])
    )

    inputs = api(drawing.saved())["3"]["inputs"]

    assert (inputs["model"], inputs["clip"]) == (["1", 0], ["1", 1])


def test_a_bypassed_node_without_a_fitting_input_hands_on_nothing() -> None:
    drawing = (
        Drawing().node(1, "Loader", mode=4).node(2, "Encode", wires={"clip": (1, 1)}, values=["a"])
    )

    assert api(drawing.saved()) == {"2": {"class_type": "Encode", "inputs": {"text": "a"}}}


def test_reroutes_notes_and_primitives_leave_nothing_behind() -> None:
    drawing = (
        Drawing()
        .node(1, "Loader")
        .node(2, "Reroute", sockets=[("", "*")], outputs=["CLIP"], wires={"": (1, 1)})
        .node(3, "Reroute", sockets=[("", "*")], outputs=["CLIP"], wires={"": (2, 0)})
        .node(4, "PrimitiveNode", outputs=["STRING"], values=["from afar", "fixed"])
        .node(5, "Encode", wires={"clip": (3, 0), "text": (4, 0)}, values=["own"])
        .node(6, "Note", values=["read me"])
        .node(7, "MarkdownNote", values=["# read me"])
    )

    found = api(drawing.saved())

    assert sorted(found) == ["1", "5"]
    assert found["5"]["inputs"] == {"text": "from afar", "clip": ["1", 1]}


def test_what_is_set_in_one_place_is_got_in_another() -> None:
    drawing = (
        Drawing()
        .node(1, "Loader")
        .node(2, "SetNode", sockets=[("CLIP", "CLIP")], wires={"CLIP": (1, 1)}, values=["clip"])
        .node(3, "GetNode", outputs=["CLIP"], values=["clip"])
        .node(4, "Encode", wires={"clip": (3, 0)}, values=["a"])
    )

    assert api(drawing.saved())["4"]["inputs"]["clip"] == ["1", 1]


def test_a_getter_that_nobody_sets_feeds_nothing_where_nothing_need_be_fed() -> None:
    infos = {**INFOS, "Mix": info("COND", one=["COND", {}], optional={"two": ["COND", {}]})}
    drawing = (
        Drawing(infos)
        .node(1, "Encode", values=["a"])
        .node(2, "GetNode", outputs=["COND"], values=["gone"])
        .node(3, "Mix", wires={"one": (1, 0), "two": (2, 0)})
    )

    assert api(drawing.saved(), infos)["3"]["inputs"] == {"one": ["1", 0]}
    drawing.nodes[2]["inputs"][0]["link"] = 2
    assert problems(drawing.saved(), infos) == [("ui_setter_missing", "/nodes/1")]


def test_of_two_setters_of_a_name_the_first_counts() -> None:
    drawing = (
        Drawing()
        .node(1, "Loader")
        .node(2, "Loader")
        .node(3, "SetNode", sockets=[("CLIP", "CLIP")], wires={"CLIP": (2, 1)}, values=["clip"])
        .node(4, "SetNode", sockets=[("CLIP", "CLIP")], wires={"CLIP": (1, 1)}, values=["clip"])
        .node(5, "GetNode", outputs=["CLIP"], values=["clip"])
        .node(6, "Encode", wires={"clip": (5, 0)}, values=["a"])
    )

    assert api(drawing.saved())["6"]["inputs"]["clip"] == ["2", 1]


def test_a_large_graph_full_of_names_is_no_work_for_minutes() -> None:
    """Each of many inputs leads back over many names, in a level of many nodes."""
    names = [f"c{index}" for index in range(800)]
    wanted: Json = {name: ["CLIP", {}] for name in names}
    infos = {**INFOS, "Many": info(**wanted)}
    drawing = Drawing(infos).node(1, "Loader", values=["a.safetensors"])
    origin = (1, 1)
    for step in range(80):
        setter, getter = 2 * step + 2, 2 * step + 3
        wires = {"CLIP": origin}
        drawing.node(setter, "SetNode", sockets=[("CLIP", "CLIP")], wires=wires, values=[f"{step}"])
        drawing.node(getter, "GetNode", outputs=["CLIP"], values=[f"{step}"])
        origin = (getter, 0)
    drawing.node(500, "Many", wires=dict.fromkeys(names, origin))
    for filler in range(9000):
        drawing.nodes.insert(0, {"id": 1000 + filler, "type": "Note"})

    began = time.process_time()
    found = api(drawing.saved(), infos)
    assert found["500"]["inputs"] == {name: ["1", 1] for name in names}
    assert time.process_time() - began < 3.0


def test_every_node_that_cannot_be_converted_is_named() -> None:
    drawing = (
        Drawing()
        .node(1, "NoSuchNode")
        .node(2, "Encode", values=["a"], wires={"clip": (77, 0)})
        .node(3, "Latent", values=["wide", 4])
        .node(4, "Latent", values=[4, 4, 4])
        .node(5, "GetNode", outputs=["CLIP"], values=["gone"])
        .node(6, "Encode", values=["a"], wires={"clip": (5, 0)})
    )
    saved = drawing.saved()
    saved["nodes"].append({**saved["nodes"][1], "id": 7})
    saved["nodes"][-1]["inputs"] = [{"name": "clip", "type": "CLIP", "link": 1000}]

    assert problems(saved) == [
        ("node_unknown", "/nodes/0"),
        ("link_broken", "/nodes/1"),
        ("ui_widget_misfit", "/nodes/2"),
        ("ui_widgets_surplus", "/nodes/3"),
        ("ui_setter_missing", "/nodes/4"),
        ("ui_link_missing", "/nodes/6"),
    ]


def test_unknown_nodes_that_take_no_part_are_no_problem() -> None:
    for mode in (2, 4):
        drawing = Drawing().node(1, "NoSuchNode", mode=mode).node(2, "Latent", values=[8, 8])
        assert list(api(drawing.saved())) == ["2"]


def test_a_wire_in_a_circle_is_found() -> None:
    loop = (
        Drawing()
        .node(1, "Reroute", sockets=[("", "*")], outputs=["CLIP"], wires={"": (2, 0)})
        .node(2, "Reroute", sockets=[("", "*")], outputs=["CLIP"], wires={"": (1, 0)})
        .node(3, "Encode", wires={"clip": (2, 0)}, values=["a"])
    )

    assert problems(loop.saved()) == [("ui_link_recursion", "/nodes/2")]


@pytest.mark.parametrize(
    ("saved", "pointer"),
    [
        ({"nodes": [{"id": 1}]}, "/nodes/0"),
        ({"nodes": [{"id": 1, "type": 5}]}, "/nodes/0/type"),
        ({"nodes": [{"id": [], "type": "A"}]}, "/nodes/0/id"),
        ({"nodes": [], "links": [[1, 2]]}, "/links/0"),
        ({"nodes": [], "links": ["x"]}, "/links/0"),
        ({"nodes": {}}, "/nodes"),
        ({"nodes": [{"id": 1, "type": "A"}, {"id": "1", "type": "A"}]}, "/nodes"),
        ({"nodes": [], "definitions": {"subgraphs": [{}]}}, "/definitions/subgraphs/0"),
    ],
)
def test_what_no_editor_saved_is_refused(saved: Json, pointer: str) -> None:
    assert problems(saved) == [("ui_graph_malformed", pointer)]


WITHOUT_WORDS = {"ComfyDeployWebscoketImageInput", "ComfyUIDeployExternalVid"}


@pytest.mark.parametrize("class_type", EXTERNALS)
def test_external_inputs_need_not_be_known_to_the_machine(class_type: str) -> None:
    drawing = Drawing().node(1, class_type, values=["width"])

    inputs = api(drawing.saved())["1"]["inputs"]

    assert inputs["input_id"] == "width"
    assert {"display_name", "description"} <= inputs.keys() or class_type in WITHOUT_WORDS
    assert [field.name for field in input_schema(check_graph(api(drawing.saved())))] == ["width"]


def test_no_node_of_the_plugin_need_be_known_to_the_machine() -> None:
    """A machine without it runs some all the same; the others are named with what to install."""
    others = PLUGIN_CLASSES - EXTERNALS.keys() | {"ComfyDeployWebscoketImageOutput"}
    assert PLUGIN_INFOS.keys() == EXTERNALS.keys() | others
    for class_type in others:
        assert api(Drawing().node(1, class_type).saved())["1"]["class_type"] == class_type


def test_an_output_of_the_plugin_keeps_what_was_saved() -> None:
    values = ["card", "jpg", 90, "out"]
    drawing = Drawing().node(1, "ComfyDeployOutputImage", values=values)

    inputs = api(drawing.saved())["1"]["inputs"]

    assert inputs == {
        "filename_prefix": "card",
        "file_type": "jpg",
        "quality": 90,
        "output_id": "out",
    }


def test_external_inputs_keep_what_was_saved() -> None:
    values = ["width", 640, 64, 2048, "Width", "in pixels"]
    drawing = Drawing().node(1, "ComfyUIDeployExternalNumberSlider", values=values)

    (field,) = input_schema(check_graph(api(drawing.saved())))

    assert (field.default, field.minimum, field.maximum) == (640, 64, 2048)
    assert (field.display_name, field.description) == ("Width", "in pixels")
