"""Graphs as the editor saves them render through comfyd what they render from the editor."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.tenant import Tenant
from tests.real.direct import Direct

CASES = {
    file.stem: json.loads(file.read_text("utf-8"))
    for file in sorted((Path(__file__).parents[1] / "golden" / "editor_cases").glob("*.json"))
    if file.stem != "object_info"
}


@pytest.mark.parametrize("name", CASES)
async def test_a_graph_of_the_editor_renders_the_same(
    ada: Tenant, direct: Direct, name: str
) -> None:
    case = CASES[name]
    sends = case["sends"]
    if not direct.has(sends) or any(n["class_type"] == "KSampler" for n in sends.values()):
        pytest.skip("this ComfyUI lacks a class or a model of the case")

    machine = await ada.machine()
    pushed = await ada.http.post(
        "/v1/workflows",
        json={"name": name, "ui_graph": case["editor"], "machine_id": machine},
    )
    assert pushed.is_success, pushed.text
    path = f"/v1/workflows/{pushed.json()['workflow_id']}/deployments/production"
    body = {"version": pushed.json()["version"], "machine_id": machine}
    deployment = (await ada.http.put(path, json=body)).json()["id"]
    run = await ada.run(deployment)

    assert run["status"] == "success", run["error"]
    assert shown(run["outputs"]) == texts(direct.render(sends))


def shown(outputs: list[dict[str, Any]]) -> list[str]:
    return sorted(o["text"] for o in outputs if o["text"] is not None)


def texts(outputs: dict[str, Any]) -> list[str]:
    return sorted(text for node in outputs.values() for text in node.get("text", []))
