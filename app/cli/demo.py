"""The first run: deploys a sample workflow, runs it, and shows its progress and its image."""

from importlib.resources import files
from typing import Any

import httpx
import msgspec
from msgspec import Struct
from rich.console import Console

from app.cli.api_client import ApiClient
from app.cli.remote.watch import watch_run
from app.cli.stack import LocalMachine
from app.cli.words import word

CHECKPOINT_NODE = "4"


class Sample(Struct, frozen=True, kw_only=True):
    """A workflow to begin with."""

    name: str
    graph: dict[str, Any]
    inputs: tuple[str, ...]
    """Arguments of `comfyd run` that give it other inputs than its own."""


async def run_sample(api: ApiClient, local: LocalMachine, sample: Sample, console: Console) -> bool:
    """Deploy and run a sample as a client would; tell whether there was an image."""
    token = {"token": local.token} if local.token else {}
    machine = await api.post("/v1/machines", {"name": "local", "url": local.url, **token})
    version = await api.post("/v1/workflows", {"name": sample.name, "graph": sample.graph})
    deployment = await api.put(
        f"/v1/workflows/{version['workflow_id']}/deployments/production",
        {"version": version["version"], "machine_id": machine["id"]},
    )
    console.print(
        word("deployed", name=sample.name, version=version["version"], id=deployment["id"])
    )
    run = await api.post("/v1/runs", {"deployment_id": deployment["id"]})
    console.print(word("submitted", run_id=run["id"]))
    await watch_run(api, run["id"], console)
    return _show_result(await api.get(f"/v1/runs/{run['id']}"), console)


async def sample_for(local: LocalMachine) -> Sample:
    """Choose a sample that the machine can run: without a checkpoint, one that needs none."""
    checkpoints = await _checkpoints(local)
    if not checkpoints:
        graph = _graph("colour_card.json")
        return Sample(name="colour card", graph=graph, inputs=("-i", "colour:=16711680"))
    graph = _graph("text_to_image.json")
    graph[CHECKPOINT_NODE]["inputs"]["default_value"] = checkpoints[0]
    return Sample(name="text to image", graph=graph, inputs=("-i", 'prompt="a red fox"'))


def _show_result(run: dict[str, Any], console: Console) -> bool:
    urls = [output["url"] for output in run["outputs"] if output["url"]]
    for url in urls:
        console.print(word("image", url=url), style="bold", soft_wrap=True)
    if run["status"] != "success":
        reason = (run["error"] or {}).get("message", "")
        console.print(word("failed", status=run["status"], reason=reason), style="red")
    return bool(urls)


async def _checkpoints(local: LocalMachine) -> list[str]:
    """List the checkpoints of a ComfyUI; none when it does not answer."""
    path = "/object_info/CheckpointLoaderSimple"
    headers = {"Authorization": f"Bearer {local.token}"} if local.token else {}
    try:
        async with httpx.AsyncClient(
            base_url=local.url, headers=headers, timeout=30, trust_env=False
        ) as http:
            info = (await http.get(path)).raise_for_status().json()
            options = info["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"]
    except (httpx.HTTPError, KeyError, ValueError):
        return []
    # Newer versions say ["COMBO", {"options": [...]}], older ones [[...]].
    found = options[0] if isinstance(options[0], list) else options[1].get("options", [])
    return [str(name) for name in found]


def _graph(file: str) -> dict[str, Any]:
    text = files("app.cli").joinpath("samples", file).read_bytes()
    graph: dict[str, Any] = msgspec.json.decode(text)
    return graph
