"""Graphs as the editor saves them render through comfyd what they render from the editor."""

import json
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.tenant import Tenant, download
from tests.editor_oracle.answers import read_answers
from tests.real.direct import Direct

CASES = {
    file.stem: json.loads(file.read_text("utf-8"))
    for file in sorted((Path(__file__).parents[1] / "golden" / "editor_cases").glob("*.json"))
    if file.stem != "object_info"
}


WITHOUT_MODELS = (
    "basic_datatype_conversion",
    "basic_mask_operations_and_compositing",
)
"""Official templates that a ComfyUI without any model renders, with the picture it comes with."""


@pytest.mark.parametrize("name", CASES)
async def test_a_graph_of_the_editor_renders_the_same(
    ada: Tenant, direct: Direct, name: str
) -> None:
    case = CASES[name]
    sends = case["sends"]
    if not direct.has(sends) or any(n["class_type"] == "KSampler" for n in sends.values()):
        pytest.skip("this ComfyUI lacks a class or a model of the case")

    run = await rendered(ada, name, case["editor"])

    assert shown(run["outputs"]) == texts(direct.render(sends))


@pytest.mark.parametrize("name", WITHOUT_MODELS)
async def test_a_template_renders_the_same(ada: Tenant, direct: Direct, name: str) -> None:
    answer = next(a for a in read_answers() if (a.name, a.form) == (name, "given"))
    assert answer.sends is not None
    if not direct.has(answer.sends):
        pytest.skip("this ComfyUI lacks a class of the template")

    run = await rendered(ada, name, answer.graph)
    outputs = direct.render(answer.sends)

    assert shown(run["outputs"]) == texts(outputs)
    urls = [output["url"] for output in run["outputs"] if output["filename"]]
    ours = [pixels(await download(url)) for url in urls]
    theirs = [
        pixels(direct.file(file)) for node in outputs.values() for file in node.get("images", [])
    ]
    assert sorted(ours) == sorted(theirs)
    assert shown(run["outputs"]) or ours


async def rendered(ada: Tenant, name: str, ui_graph: dict[str, Any]) -> dict[str, Any]:
    """Push a graph of the editor, and run it."""
    machine = await ada.machine()
    body = {"name": name, "ui_graph": ui_graph, "machine_id": machine}
    pushed = await ada.http.post("/v1/workflows", json=body)
    assert pushed.is_success, pushed.text
    path = f"/v1/workflows/{pushed.json()['workflow_id']}/deployments/production"
    promoted = {"version": pushed.json()["version"], "machine_id": machine}
    deployment = (await ada.http.put(path, json=promoted)).json()["id"]
    run = await ada.run(deployment)
    assert run["status"] == "success", run["error"]
    return run


def pixels(data: bytes) -> str:
    """Return what a picture shows, without the graph that is written into it."""
    picture = Image.open(BytesIO(data))
    return f"{picture.mode} {picture.size} {sha256(picture.tobytes()).hexdigest()}"


def shown(outputs: list[dict[str, Any]]) -> list[str]:
    return sorted(o["text"] for o in outputs if o["text"] is not None)


def texts(outputs: dict[str, Any]) -> list[str]:
    return sorted(text for node in outputs.values() for text in node.get("text", []))
