"""The classes of the plugin: compiled to stock nodes where there are any, else kept and filled."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET

from events.errors import Problem
from events.graph.check import check_graph
from events.graph.compile import compile_graph
from events.graph.compile_with_defaults import compile_with_defaults
from events.graph.externals import EXTERNALS
from events.graph.inputs import check_inputs, effective_values, input_schema
from events.graph.object_info import Infos, check_against
from events.graph.plugin import injected, plugin_nodes, plugin_problems
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


def compiled(graph: Json, sent: Json | None = None, **names: str) -> Json:
    """Compile as a worker does, on a machine that calls the files so."""
    schema = input_schema(check_graph(graph))
    return compile_graph(
        graph,
        effective_values(schema, check_inputs(schema, sent or {})),
        prompt_id=UUID(int=2),
        image_names=names,
        seeds=choose_seeds(graph, RUN, infos={}),
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

    assert compiled(graph, sent, **names) == {
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
        (external("Vid"), 0),
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


def test_a_machine_without_the_plugin_is_told_what_to_install() -> None:
    graph = {
        "1": external("FaceModel"),
        "2": external("Lora", default_lora_name="a.pt"),
        "3": node("ComfyDeployOutputText", text=["2", 0]),
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
    assert plugin_problems(graph, {"Node"}) == expected
    assert plugin_problems(graph, {"Node", *(p.params["class_type"] for p in expected)}) == []
    infos: Infos = {
        "ComfyUIDeployExternalFaceModel": None,
        "ComfyDeployOutputText": None,
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
