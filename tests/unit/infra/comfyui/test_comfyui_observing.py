"""What a snapshot of a ComfyUI holds: its models, and nothing that every run changes."""

import pytest

from infra.comfyui.watch.observing import models, settled


def described(name: str, spec: object) -> dict[str, object]:
    return {"input": {"required": {name: spec, "other": ["INT", {"min": 0}]}}, "output": ["IMAGE"]}


@pytest.mark.parametrize(
    "spec",
    [
        [["a.safetensors", "b.ckpt"], {}],
        [["a.safetensors", "b.ckpt"]],
        ["COMBO", {"options": ["a.safetensors", "b.ckpt"]}],
    ],
)
def test_models_are_the_options_of_the_stock_loaders(spec: object) -> None:
    found = models(
        {
            "CheckpointLoaderSimple": described("ckpt_name", spec),
            "MyLoader": described("ckpt_name", [["hidden"]]),
            "LoraLoader": described("lora_name", [[]]),
        }
    )
    assert found == {"checkpoints": ["a.safetensors", "b.ckpt"], "loras": []}


@pytest.mark.parametrize(
    ("spec", "kept"),
    [
        ([["x.png"], {"image_upload": True}], [[], {"image_upload": True}]),
        (
            ["COMBO", {"options": ["x.mp4"], "video_upload": True}],
            ["COMBO", {"options": [], "video_upload": True}],
        ),
        ([["x.png"], {"image_upload": False}], [["x.png"], {"image_upload": False}]),
        ([["euler"], {"default": "euler"}], [["euler"], {"default": "euler"}]),
        (
            ["COMBO", {"remote": {}, "image_upload": True}],
            ["COMBO", {"remote": {}, "image_upload": True}],
        ),
    ],
)
def test_files_that_people_upload_are_left_out(spec: object, kept: object) -> None:
    assert settled(described("image", spec)) == described("image", kept)


@pytest.mark.parametrize("description", [{}, {"input": []}, {"input": {"required": None}}])
def test_a_description_of_another_shape_stays_as_it_is(description: dict[str, object]) -> None:
    assert settled(description) == description
