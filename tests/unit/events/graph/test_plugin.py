"""The classes of the plugin: compiled to stock nodes where there are any, else kept and filled."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET

from events.errors import Problem
from events.graph.check import check_graph
from events.graph.compile import compile_graph
from events.graph.compile_with_defaults import compile_with_defaults
from events.graph.externals.classes import EXTERNALS
from events.graph.externals.plugin import (
    PLUGIN_CLASSES,
    deciding_classes,
    injected,
    plugin_nodes,
    plugin_problems,
)
from events.graph.externals.values import FileUrl
from events.graph.inputs import check_inputs, effective_values, input_schema
from events.graph.object_info import Infos, check_against
from events.graph.seeds import choose_seeds
from infra.translation import problem_text
from tests.editor_oracle.answers import object_info

Json = dict[str, Any]
RUN = UUID(int=7)
URL = "https://a.example/b"

INJECTION: dict[str, tuple[object, Json]] = {
    # What a server puts into which keys, in which type, so that every version of the node reads it.
    "ComfyUIDeployExternalText": (5, {"input_id": "5", "default_value": "5"}),
    "ComfyUIDeployExternalTextAny": ("a", {"input_id": "a", "default_value": "a"}),
    "ComfyUIDeployExternalTextSingleLine": ("a", {"input_id": "a", "default_value": "a"}),
    "ComfyUIDeployExternalImage": (URL, {"input_id": URL}),
    "ComfyUIDeployExternalImageAlpha": (URL, {"input_id": URL}),
    "ComfyUIDeployExternalImageBatch": (
        [URL, URL],
        {"input_id": f'["{URL}","{URL}"]', "images": f'["{URL}","{URL}"]'},
    ),
    "ComfyUIDeployExternalNumber": ("1.5", {"input_id": 1.5, "default_value": 1.5}),
    "ComfyUIDeployExternalNumberInt": ("-3", {"input_id": -3, "default_value": -3}),
    "ComfyUIDeployExternalNumberSlider": ("0.25", {"input_id": 0.25, "default_value": 0.25}),
    "ComfyUIDeployExternalNumberSliderInt": ("7", {"input_id": 7, "default_value": 7}),
    "ComfyUIDeployExternalBoolean": ("false", {"input_id": False, "default_value": False}),
    "ComfyUIDeployExternalEnum": ("a", {"input_id": "a", "default_value": "a"}),
    "ComfyUIDeployExternalSeed": ("42", {"input_id": 42, "default_value": 42}),
    "ComfyUIDeployExternalLora": (URL, {"input_id": URL, "lora_url": URL}),
    "ComfyUIDeployExternalCheckpoint": (URL, {"input_id": URL, "default_value": URL}),
    "ComfyUIDeployExternalFaceModel": (URL, {"input_id": URL, "face_model_url": URL}),
    "ComfyUIDeployExternalAudio": (URL, {"input_id": URL, "audio_file": URL}),
    "ComfyUIDeployExternalEXR": (URL, {"input_id": URL, "exr_file": URL}),
    "ComfyUIDeployExternalFile": (URL, {"input_id": URL, "file_url": URL}),
    "ComfyUIDeployExternalVideo": (URL, {"input_id": URL}),
    "ComfyUIDeployExternalVid": (URL, {"input_id": URL}),
    "ComfyDeployWebscoketImageInput": (URL, {"input_id": URL}),
}


def external(kind: str, name: str = "x", **inputs: object) -> Json:
    prefix = "" if kind.startswith("Comfy") else "ComfyUIDeployExternal"
    return {"class_type": prefix + kind, "inputs": {"input_id": name, **inputs}}


def plain(**inputs: object) -> Json:
    return {"class_type": "Node", "inputs": inputs}


def node(class_type: str, **inputs: object) -> Json:
    return {"class_type": class_type, "inputs": inputs}


def compiled(
    graph: Json, sent: Json | None = None, *, lacking: Iterable[str] = (), **names: str
) -> Json:
    """Compile as a worker does, on a machine that calls the files so."""
    schema = input_schema(check_graph(graph))
    return compile_graph(
        graph,
        effective_values(schema, check_inputs(schema, sent or {})),
        prompt_id=UUID(int=2),
        image_names=names,
        seeds=choose_seeds(graph, RUN, infos={}),
        lacking=frozenset(lacking),
    )


def test_there_is_a_row_for_every_class() -> None:
    assert INJECTION.keys() == EXTERNALS.keys()


@pytest.mark.parametrize("class_type", INJECTION)
def test_a_value_is_put_where_every_version_of_a_node_reads_it(class_type: str) -> None:
    sent, expected = INJECTION[class_type]
    found = injected(external(class_type), EXTERNALS[class_type].convert(sent))

    assert found == expected
    assert [type(value) for value in found.values()] == [type(v) for v in expected.values()]


@pytest.mark.parametrize(
    ("one", "sent", "constant"),
    [
        (external("TextAny", default_value="a"), {}, "a"),
        (external("TextSingleLine", default_value="a"), {"x": "b"}, "b"),
        (external("Enum", default_value="a", options='["a", "b"]'), {"x": "b"}, "b"),
        (external("NumberSliderInt", default_value=3, max_value=9), {}, 3),
        (external("NumberSliderInt", default_value=3, max_value=9), {"x": "0"}, 0),
        (external("Seed", default_value=5), {}, 5),
        (external("Seed", default_value=-1), {"x": 7}, 7),
        (external("Audio", audio_file="", default_value=["2", 0]), {}, ["2", 0]),
        (external("ImageBatch", images="[]", default_value=["2", 0]), {}, ["2", 0]),
        (external("ComfyDeployWebscoketImageInput", default_value=["2", 0]), {}, ["2", 0]),
        (external("File", file_url="local.bin"), {}, "local.bin"),
        (external("Lora", default_lora_name="a.pt", lora_url=""), {}, "a.pt"),
    ],
)
def test_what_a_link_can_say_needs_no_node(one: Json, sent: Json, constant: object) -> None:
    graph = {"1": one, "2": plain(), "3": plain(a=["1", 0])}
    assert compiled(graph, sent) == {"2": plain(), "3": plain(a=constant)}


def test_a_seed_that_is_left_to_chance_is_the_same_for_every_attempt_and_within_its_bounds() -> (
    None
):
    graph = {
        "1": external("Seed", default_value=-1, min_value=3, max_value=9),
        "2": plain(seed=["1", 0]),
    }
    found = compiled(graph)["2"]["inputs"]["seed"]

    assert 3 <= found <= 9
    assert compiled(graph) == compiled(graph, {"x": -1})
    widest = {"1": external("Seed", default_value=-1, max_value=10**15), "2": plain(a=["1", 0])}
    assert 10**14 <= compiled(widest)["2"]["inputs"]["a"] < 10**15
    assert [(f.required, f.default, f.minimum) for f in input_schema(graph)] == [(False, None, 3)]


def test_files_are_loaded_by_stock_nodes() -> None:
    graph = {
        "1": external("Audio", "song", audio_file="https://a.example/default.mp3"),
        "2": external("File", "model", file_url=""),
        "3": external("ImageBatch", "frames"),
        "4": external("ComfyDeployWebscoketImageInput", "live", seed=1),
        "5": plain(a=["1", 0], b=["2", 0], c=["3", 0], d=["4", 0]),
    }
    sent = {"model": URL, "frames": [URL, URL, URL], "live": URL}
    names = {"song": "s.mp3", "model": "m.bin", "live": "l.png"}
    names |= {f"frames[{n}]": f"{n}.png" for n in range(3)}

    assert compiled(graph, sent, lacking=["ComfyUIDeployExternalFile"], **names) == {
        "1": node("LoadAudio", audio="s.mp3"),
        "3-image": node("LoadImage", image="0.png"),
        "3-image-": node("LoadImage", image="1.png"),
        "3-image--": node("ImageBatch", image1=["3-image", 0], image2=["3-image-", 0]),
        "3-image---": node("LoadImage", image="2.png"),
        "3": node("ImageBatch", image1=["3-image--", 0], image2=["3-image---", 0]),
        "4": node("LoadImage", image="l.png"),
        "5": plain(a=["1", 0], b="m.bin", c=["3", 0], d=["4", 0]),
    }


VIDEO: Json = {
    "force_rate": 0,
    "force_size": "Disabled",
    "custom_width": 512,
    "custom_height": 512,
    "frame_load_cap": 0,
    "skip_first_frames": 0,
    "select_every_nth": 1,
}


def test_a_whole_video_gives_frames_their_number_and_its_sound() -> None:
    graph = {
        "1": external("Video", **VIDEO, default_video="d.mp4"),
        "2": plain(frames=["1", 0], count=["1", 1], sound=["1", 2]),
    }
    assert compiled(graph, {"x": URL}, x="v.mp4") == {
        "1-image": node("LoadVideo", file="v.mp4"),
        "1": node("GetVideoComponents", video=["1-image", 0]),
        "1-image-": node("GetImageSize", image=["1", 0]),
        "2": plain(frames=["1", 0], count=["1-image-", 2], sound=["1", 1]),
    }
    assert compiled(graph)["1-image"] == node("LoadVideo", file="d.mp4")


@pytest.mark.parametrize(
    ("video", "slot"),
    [
        (external("Video", **VIDEO | {"frame_load_cap": 16}), 0),
        (external("Video", **VIDEO | {"force_rate": ["9", 0]}), 0),
        (external("Video", **VIDEO), 3),
        (external("EXR", exr_file="", tonemap="sRGB"), 1),
        (external("FaceModel"), 0),
    ],
)
def test_what_no_stock_node_does_stays_with_its_value_in_it(video: Json, slot: int) -> None:
    graph = {"1": video, "2": plain(a=["1", slot]), "9": plain()}
    keys = EXTERNALS[video["class_type"]].value_keys
    filled = {**video["inputs"], **dict.fromkeys(keys, URL)}

    assert compiled(graph, {"x": URL}) == graph | {"1": {**video, "inputs": filled}}


def test_a_lora_behind_a_url_is_downloaded_by_the_node_of_the_plugin() -> None:
    lora = external("Lora", default_lora_name="a.pt", lora_save_name="b.pt", lora_url="")
    graph = {"1": lora, "2": plain(a=["1", 0])}
    stays = external("Lora", URL, lora_save_name="b.pt", lora_url=URL)

    assert compiled(graph, {"x": URL}) == graph | {"1": stays}
    assert compiled(graph) == {"2": plain(a="a.pt")}
    named = {"1": external("Lora", default_lora_name="a.pt", lora_url=URL), "2": plain(a=["1", 0])}
    assert compiled(named)["1"] == external("Lora", URL, lora_url=URL)


def test_a_checkpoint_behind_a_url_reaches_its_node_by_a_link() -> None:
    """A constant would be compared with the files that the machine has."""
    graph = {"1": external("Checkpoint", default_value="a.ckpt"), "2": plain(a=["1", 0])}
    assert compiled(graph, {"x": URL}) == {
        "1-image": external("TextAny", "1-image", default_value=URL),
        "1": external("Checkpoint", URL, default_value=["1-image", 0]),
        "2": plain(a=["1", 0]),
    }


def test_the_path_of_a_file_is_that_of_the_node_of_the_plugin_where_it_is_there() -> None:
    """Its path is absolute; a stock machine only has a name among its inputs."""
    graph = {"1": external("File", file_url=""), "2": plain(a=["1", 0])}

    assert compiled(graph, {"x": URL}) == graph | {"1": external("File", URL, file_url=URL)}
    assert compiled(graph, {"x": "local.bin"}) == {"2": plain(a="local.bin")}
    assert plugin_nodes(graph, {"x": FileUrl(URL)}) == {"1"}
    assert plugin_nodes(graph, {"x": FileUrl(URL)}, {"ComfyUIDeployExternalFile"}) == frozenset()
    assert plugin_problems(graph, frozenset({"Node"})) == []


@pytest.mark.parametrize(("kind", "key"), [("Video", "default_video"), ("Vid", "default_value")])
def test_a_video_that_stays_is_named_where_its_node_lists_files(kind: str, key: str) -> None:
    """The file that a workflow was saved with may not be on this machine, which would refuse it."""
    video = external(kind, **{**VIDEO, "frame_load_cap": 2, key: "saved.mp4"})
    graph = {"1": video, "2": plain(a=["1", 0])}
    named, fetched = (compiled(graph, {"x": sent}) for sent in ("here.mp4", URL))

    assert named["1"]["inputs"][key] == "here.mp4"
    assert fetched["1"]["inputs"]["input_id"] == URL
    # The path is returned by a node that does not run without this input.
    text = {"1-image": external("TextAny", "1-image", default_value=URL)}
    assert fetched["1"]["inputs"].get(key) == (["1-image", 0] if kind == "Vid" else None)
    assert fetched.keys() - {"1", "2"} == (text.keys() if kind == "Vid" else set())


PREFIX = "filename_prefix"
PICTURES = node(
    "ComfyDeployOutputImage",
    images=["1", 0],
    filename_prefix="a",
    file_type="webp",
    quality=80,
    output_id="o",
)
STORY = node(
    "ComfyDeployOutputText", text=["1", 0], filename_prefix="a", file_type="md", output_id="o"
)
HDR = node("ComfyDeployOutputEXR", images=["1", 0], filename_prefix="a", output_id="o")
LINEAR: Json = {
    "format": "exr",
    "format.bit_depth": "32-bit float",
    "format.input_color_space": "linear",
}


@pytest.mark.parametrize(
    ("one", "lacking", "instead"),
    [
        (PICTURES, [], None),
        (PICTURES, ["ComfyDeployOutputImage"], node("SaveImage", images=["1", 0])),
        (STORY, [], None),
        (STORY, ["ComfyDeployOutputText"], node("SaveText", text=["1", 0], format="md")),
        (
            STORY,
            ["ComfyDeployOutputText", "SaveText"],
            node("PreviewAny", source=["1", 0]),
        ),
        (HDR, ["ComfyDeployOutputEXR"], node("SaveImageAdvanced", images=["1", 0], **LINEAR)),
        (HDR, ["ComfyDeployOutputEXR", "SaveImageAdvanced"], None),
        (node("ComfyDeployOutputFile", file_path=["1", 0]), ["ComfyDeployOutputFile"], None),
    ],
)
def test_an_output_of_the_plugin_is_saved_by_stock_nodes_where_it_is_missing(
    one: Json, lacking: list[str], instead: Json | None
) -> None:
    found = compiled({"1": plain(), "2": one}, lacking=lacking)["2"]
    prefix = found["inputs"].pop("filename_prefix", None)
    expected = instead or one

    assert found["class_type"] == expected["class_type"]
    assert found["inputs"] == {n: v for n, v in expected["inputs"].items() if n != PREFIX}
    # Files of one attempt are told from those of another by their folder.
    assert prefix is None or prefix.endswith("/a")
    assert (prefix is None) == (expected["class_type"] in {"PreviewAny", "ComfyDeployOutputFile"})


def test_savers_are_as_a_stock_comfyui_has_them() -> None:
    stock = msgspec.json.decode(object_info())
    graph = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
        "2": PICTURES,
        "3": HDR,
        "4": node("PrimitiveString", value="a"),
        "5": STORY | {"inputs": STORY["inputs"] | {"text": ["4", 0]}},
    }
    known = frozenset(stock)

    assert plugin_problems(graph, known) == []
    found = compiled(graph, lacking=deciding_classes(graph) - known)
    infos = {n["class_type"]: stock[n["class_type"]] for n in found.values()}
    assert check_against(found, infos) == []


def test_a_machine_without_the_plugin_is_told_what_to_install() -> None:
    graph = {
        "1": external("FaceModel"),
        "2": external("Lora", default_lora_name="a.pt"),
        "3": node("ComfyDeployOutputFile", file_path=["2", 0]),
        "4": plain(a=["1", 0]),
    }
    expected = [
        Problem(
            code="node_needs_plugin",
            pointer=f"/{at}",
            params={"node": at, "class_type": graph[at]["class_type"], "plugin": "comfyui-deploy"},
        )
        for at in ("1", "3")
    ]
    assert plugin_nodes(graph, {}) == {"1"}
    assert plugin_problems(graph, frozenset({"Node"})) == expected
    assert plugin_problems(graph, frozenset({"Node", *PLUGIN_CLASSES})) == []
    infos: Infos = {
        "ComfyUIDeployExternalFaceModel": None,
        "ComfyDeployOutputFile": None,
        "Node": {},
    }
    assert check_against(compile_with_defaults(graph), infos) == expected
    for language in ("en", "zh"):
        assert "comfyui-deploy" in problem_text(expected[0], language)


@pytest.mark.parametrize(
    ("one", "slots"),
    [
        (external("Image"), 1),
        (external("ImageAlpha"), 1),
        (external("ImageBatch"), 1),
        (external("Audio"), 1),
        (external("Video", **VIDEO), 3),
        (external("ComfyDeployWebscoketImageInput"), 1),
    ],
)
def test_what_takes_a_place_is_what_a_stock_comfyui_has(one: Json, slots: int) -> None:
    stock = msgspec.json.decode(object_info())
    graph = {"1": one} | {f"9{n}": node("PreviewAny", source=["1", n]) for n in range(slots)}
    names = {"x": "f.bin", "x[0]": "0.png", "x[1]": "1.png"}
    several = one["class_type"].endswith("ImageBatch")

    found = compiled(graph, {"x": [URL, URL] if several else URL}, **names)

    assert one["class_type"] not in {n["class_type"] for n in found.values()}
    assert (
        check_against(found, {n["class_type"]: stock[n["class_type"]] for n in found.values()})
        == []
    )


def test_every_class_compiles_with_its_defaults_and_with_none() -> None:
    for class_type in EXTERNALS:
        graph = {"1": external(class_type), "2": plain(a=["1", 0])}
        assert compile_with_defaults(check_graph(graph)).keys() >= {"2"}, class_type


def test_options_are_those_of_the_node_and_its_own_default() -> None:
    graph = {"1": external("Enum", default_value="old", options='["a", 2, "a"]')}
    broken = {"1": external("Enum", default_value="old", options="a, b")}

    assert [f.options for f in input_schema(graph)] == [("a", "2", "old")]
    assert [f.options for f in input_schema(broken)] == [UNSET]
