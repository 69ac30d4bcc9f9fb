"""Nodes that look like inputs of callers and are of no class that we know are named."""

import pytest

from events.graph.externals.classes import EXTERNALS, unknown_externals
from events.graph.inputs import input_schema
from infra.translation import problem_text


@pytest.mark.parametrize(
    ("class_type", "inputs", "unknown"),
    [
        ("ComfyUIDeployExternalSlider", {"input_id": "strength", "default_value": 1}, True),
        ("ComfyDeployWebsocketImageInput", {"input_id": "image", "seed": 1}, True),
        ("ComfyUIDeployExternalEnum", {"input_id": "style", "default_value": "a"}, False),
        ("ComfyUIDeployExternalOfTomorrow", {}, True),
        ("ComfyDeployWebscoketImageInput", {"input_id": "image", "seed": 1}, False),
        ("SomeForksInput", {"input_id": "prompt"}, True),
        ("ComfyUIDeployExternalText", {"input_id": "prompt"}, False),
        ("ComfyUIDeployExternalTextAny", {"input_id": "prompt", "default_value": "a"}, False),
        ("ComfyDeployOutputImage", {"output_id": "image"}, False),
        ("ComfyUIDeployStringCombine", {"text": "a"}, False),
        ("KSampler", {"seed": 1, "input_id": ["2", 0]}, False),
    ],
)
def test_a_class_that_is_not_known_is_named(
    class_type: str, inputs: dict[str, object], *, unknown: bool
) -> None:
    found = unknown_externals({"7": {"class_type": class_type, "inputs": inputs}})
    expected = [("external_unknown", "/7", class_type)] if unknown else []
    assert [(p.code, p.pointer, p.params["class_type"]) for p in found] == expected
    assert all(class_type in problem_text(p, language) for p in found for language in ("en", "zh"))


def test_every_known_class_is_an_input() -> None:
    graph = {
        str(n): {"class_type": name, "inputs": {"input_id": name}}
        for n, name in enumerate(EXTERNALS)
    }
    assert unknown_externals(graph) == []
    assert [field.name for field in input_schema(graph)] == list(EXTERNALS)
