"""Sample workflows of `comfyd up`: deployed, and one run that the machine can do."""

from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct
from rich.console import Console

from app.cli.client.api_client import ApiClient
from app.cli.client.lookup import DEFAULT_ENVIRONMENT
from app.cli.local.stack import LocalMachine
from app.cli.output.watch import watch_run
from app.cli.texts import message, tr

TEXT_TO_IMAGE = "text to image"
MACHINE = "local"
STEPS_NODE = "2"
CHECKPOINT_NODE = "4"
STEPS_ON_CPU = 4
"""A first image within a minute or two; all the steps of the sample may take half an hour there."""

TRIED = 3
"""Checkpoints that are tried; each may take minutes to load."""


class Sample(Struct, frozen=True, kw_only=True):
    """A workflow to begin with."""

    name: str
    graph: dict[str, Any]
    inputs: tuple[str, ...]
    """Arguments of `comfyd run` with other inputs than its defaults."""


def colour_card() -> Sample:
    """Return the sample that every ComfyUI can run: it needs no model."""
    return Sample(
        name="colour card", graph=_graph("colour_card.json"), inputs=("-i", "colour:=16711680")
    )


def text_to_image(checkpoint: str, steps: int | None = None) -> Sample:
    """Return the sample that draws a prompt with *checkpoint*; *steps* replace its own number."""
    graph = _graph("text_to_image.json")
    if steps is not None:
        graph[STEPS_NODE]["inputs"]["default_value"] = steps
    graph[CHECKPOINT_NODE]["inputs"]["default_value"] = checkpoint
    return Sample(name=TEXT_TO_IMAGE, graph=graph, inputs=("-i", 'prompt="a red fox"'))


async def run_samples(
    api: ApiClient,
    local: LocalMachine,
    checkpoints: tuple[str, ...],
    console: Console,
    *,
    steps: int | None = None,
) -> Sample:
    """Deploy the samples and run one, as a client does; return the one that can be run again.

    The colour card is always deployed: /docs has its examples from it.

    Raises:
        httpx.HTTPError, NotComfyd: the API refuses it, or is away.

    """
    machine = await register(api, local)
    card = colour_card()
    card_id = await _deploy(api, machine["id"], card, console)
    for place, checkpoint in enumerate((await _known_first(api, checkpoints))[:TRIED]):
        key = "next_checkpoint" if place else "takes_checkpoint"
        console.print(message(key, name=TEXT_TO_IMAGE, checkpoint=checkpoint))
        if steps is not None and not place:
            console.print(tr("it has no GPU, so the sample takes only {steps} steps", steps=steps))
        sample = text_to_image(checkpoint, steps)
        ended = await _run(api, await _deploy(api, machine["id"], sample, console), console)
        if ended["status"] == "success" or not _is_fault_of_the_graph(ended):
            return sample
    console.print(
        message("takes_no_checkpoint" if checkpoints else "no_checkpoint", name=card.name)
    )
    await _run(api, card_id, console)
    return card


async def register(api: ApiClient, local: LocalMachine) -> dict[str, Any]:
    """Register the machine, or move the one that is registered."""
    known = next((m for m in await api.items("/v1/machines") if m["name"] == MACHINE), None)
    if known and known["url"] != local.url:
        # It moves, from the demo machine to a ComfyUI or back, which want other tokens.
        change = {"url": local.url, "token": local.token or None}
        return await api.patch(f"/v1/machines/{known['id']}", change)
    token = {"token": local.token} if local.token else {}
    return await api.post("/v1/machines", {"name": MACHINE, "url": local.url, **token})


async def _known_first(api: ApiClient, checkpoints: tuple[str, ...]) -> list[str]:
    """Put first the checkpoint that was deployed the last time: it was found to run."""
    known = {
        field["default"]
        for deployment in await api.items("/v1/deployments")
        if deployment["workflow_name"] == TEXT_TO_IMAGE
        for field in deployment["inputs"]
        if field["name"] == "checkpoint"
    }
    return sorted(checkpoints, key=lambda name: name not in known)


async def _deploy(api: ApiClient, machine_id: str, sample: Sample, console: Console) -> str:
    version = await api.post("/v1/workflows", {"name": sample.name, "graph": sample.graph})
    deployment = await api.put(
        f"/v1/workflows/{version['workflow_id']}/deployments/{DEFAULT_ENVIRONMENT}",
        {"version": version["version"], "machine_id": machine_id},
    )
    console.print(
        tr(
            "deployed the sample '{name}' version {version} to production: deployment {id}",
            name=sample.name,
            version=version["version"],
            id=deployment["id"],
        )
    )
    return str(deployment["id"])


async def _run(api: ApiClient, deployment_id: str, console: Console) -> dict[str, Any]:
    run = await api.post("/v1/runs", {"deployment_id": deployment_id})
    console.print(tr("submitted run {run_id}", run_id=run["id"]))
    await watch_run(api, run["id"], console)
    ended = await api.get(f"/v1/runs/{run['id']}")
    for output in ended["outputs"]:
        if output["url"]:
            console.print(tr("image: {url}", url=output["url"]), style="bold", soft_wrap=True)
    if ended["status"] != "success":
        console.print(outcome_text(ended), style="red")
    return ended


def outcome_text(ended: dict[str, Any]) -> str:
    """Return how a run without success ended; one that was cancelled has no reason."""
    reason = (ended["error"] or {}).get("message", "").strip()
    return message("failed" if reason else "ended", status=ended["status"], reason=reason)


def _is_fault_of_the_graph(ended: dict[str, Any]) -> bool:
    """Whether another checkpoint may help: the machine was there, and could not do it."""
    code = (ended["error"] or {}).get("code", "")
    return ended["status"] == "failed" and not code.startswith(("machine_", "storage_"))


def _graph(file: str) -> dict[str, Any]:
    text = files("app.cli").joinpath("samples", file).read_bytes()
    graph: dict[str, Any] = msgspec.json.decode(text)
    return graph
