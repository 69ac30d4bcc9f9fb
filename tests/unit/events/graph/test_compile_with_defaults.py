"""The graph by which a machine is judged: as it would run with its defaults, and lenient beyond."""

from typing import Any

from events.graph.compile_with_defaults import compile_with_defaults
from events.graph.object_info import check_against

CHECKPOINT = "ComfyUIDeployExternalCheckpoint"
INFOS: dict[str, Any] = {
    "CheckpointLoaderSimple": {
        "input": {"required": {"ckpt_name": [["a.safetensors"], {}]}},
        "output": ["MODEL"],
    },
    "SaveImage": {"input": {"required": {"images": ["IMAGE"]}}, "output_node": True},
    "LoadImage": {
        "input": {"required": {"image": [[], {"image_upload": True}]}},
        "output": ["IMAGE", "MASK"],
    },
    "Sampler": {"input": {"required": {"model": ["MODEL"]}}, "output": ["IMAGE"]},
}


def node(class_type: str, **inputs: object) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def graph(**external: object) -> dict[str, Any]:
    return {
        "1": node(CHECKPOINT, input_id="model", **external),
        "2": node("CheckpointLoaderSimple", ckpt_name=["1", 0]),
        "3": node("Sampler", model=["2", 0]),
        "4": node("SaveImage", images=["3", 0]),
    }


def codes(stored: dict[str, Any]) -> list[tuple[str, str]]:
    compiled = compile_with_defaults(stored)
    infos = {n["class_type"]: INFOS.get(n["class_type"]) for n in compiled.values()}
    return [(p.code, p.params.get("node", "")) for p in check_against(compiled, infos)]


def test_a_default_that_the_machine_has_is_fine() -> None:
    assert codes(graph(default_value="a.safetensors")) == []


def test_a_default_that_the_machine_lacks_is_a_reason() -> None:
    lacking = codes(graph(default_value="b.safetensors"))
    assert lacking == [("node_value_not_an_option", "2")]


def test_what_callers_must_give_fits_everywhere() -> None:
    assert codes(graph()) == []


def test_external_classes_need_not_be_on_the_machine_and_others_must() -> None:
    stored = graph() | {"9": node("MyCustomNode", image=["3", 0])}
    assert codes(stored) == [("node_unknown", "9")]


def test_an_image_is_loaded_by_a_node_that_the_machine_must_have() -> None:
    stored = {
        "1": node("ComfyUIDeployExternalImage", input_id="picture"),
        "2": node("SaveImage", images=["1", 0]),
    }
    assert codes(stored) == []
    with_alpha = {**stored, "1": node("ComfyUIDeployExternalImageAlpha", input_id="picture")}
    assert codes(with_alpha) == [("node_unknown", "1")]  # JoinImageWithAlpha is not in INFOS


def test_an_image_whose_default_is_another_node_takes_that_node() -> None:
    stored = {
        "1": node("ComfyUIDeployExternalImage", input_id="picture", default_value=["3", 0]),
        "2": node("SaveImage", images=["1", 0]),
        "3": node("Sampler", model=["4", 0]),
        "4": node("CheckpointLoaderSimple", ckpt_name="b"),
    }
    assert codes(stored) == [("node_value_not_an_option", "4")]
