"""The stand-in refuses what ComfyUI refuses, in the same words for machines."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.standin_client import node, picture, standin

REFUSED: list[tuple[object, int, str]] = [
    ({}, 400, "no_prompt"),
    ({"prompt": {}}, 400, "prompt_no_outputs"),
    ({"prompt": picture(), "prompt_id": "7"}, 400, "invalid_prompt_id"),
    ({"prompt": picture(), "prompt_id": str(uuid4()).upper()}, 400, "invalid_prompt_id"),
    ({"prompt": {"1": node("NoSuchNode")}}, 400, "missing_node_type"),
    ({"prompt": {"1": {"inputs": {}}}}, 400, "missing_node_type"),
    (
        {"prompt": {"1": node("SaveImage", filename_prefix="x")}},
        400,
        "prompt_outputs_failed_validation",
    ),
]


@pytest.mark.parametrize(("body", "status", "kind"), REFUSED)
async def test_a_bad_prompt_is_refused(
    tmp_path: Path, body: object, status: int, kind: str
) -> None:
    async with standin(tmp_path) as (_, client):
        answered, refusal = await client.post("/prompt", body)
        queue = await client.get("/queue")
    assert (answered, refusal["error"]["type"]) == (status, kind)
    assert queue == {"queue_running": [], "queue_pending": []}


@pytest.mark.parametrize("body", [{"prompt": None}, {"prompt": picture(), "number": "x"}])
async def test_what_breaks_comfyui_is_answered_500_in_plain_text(
    tmp_path: Path, body: object
) -> None:
    async with standin(tmp_path) as (_, client):
        status, text = await client.post("/prompt", body)
    assert (status, text[:3]) == (500, b"500")


async def test_every_wrong_input_is_named(tmp_path: Path) -> None:
    graph: dict[str, Any] = {
        "1": node("EmptyImage", width=0, height="tall", color=1),
        "2": node("CheckpointLoaderSimple", ckpt_name="other.safetensors"),
        "3": node("SaveImage", images=["1", 0], filename_prefix="x"),
        "4": node("PreviewAny", source=["2", 0]),
        "5": node("LoadImage", image="gone.png"),
        "6": node("PreviewImage", images=["5", 1]),
        "7": node("PreviewImage", images=["5", 0]),
        "8": node("PreviewImage", images=["7"]),
    }
    async with standin(tmp_path) as (_, client):
        _, refusal = await client.post("/prompt", {"prompt": graph})
    found = {
        node_id: [(error["type"], error["extra_info"]["input_name"]) for error in entry["errors"]]
        for node_id, entry in refusal["node_errors"].items()
    }
    assert found == {
        "1": [
            ("value_smaller_than_min", "width"),
            ("invalid_input_type", "height"),
            ("required_input_missing", "batch_size"),
        ],
        "2": [("value_not_in_list", "ckpt_name")],
        "5": [("custom_validation_failed", "image")],
        "6": [("return_type_mismatch", "images")],
        "8": [("bad_linked_input", "images")],
    }


async def test_a_graph_with_one_bad_output_runs_the_others(tmp_path: Path) -> None:
    graph = {**picture(), "3": node("SaveImage", filename_prefix="bad")}
    async with standin(tmp_path) as (_, client):
        _, answer = await client.post("/prompt", {"prompt": graph})
        entry = await client.finished(answer["prompt_id"])
    assert list(answer["node_errors"]) == ["3"]
    assert entry["outputs"].keys() == {"2"}
