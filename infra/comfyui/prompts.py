"""Queue a prompt on a ComfyUI, ask what became of it, and stop it."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from itertools import chain, repeat
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from infra.comfyui.answers import Answer, decoded
from infra.comfyui.client import Client
from infra.comfyui.history import History, outcome_of
from infra.comfyui.refusals import PromptAnswer, problems_in
from infra.machine_driver import (
    Failed,
    Finished,
    Graph,
    GraphProblem,
    Interrupted,
    Lost,
    MachineRefused,
    MachineUnreachable,
    OutcomeUnknown,
    PromptState,
    Running,
    Waiting,
    WorkflowRejected,
)

STOP_WITHIN = 10.0
"""How long to wait until a stopped prompt is over, in seconds; a node may run on meanwhile."""

STOP_DELAYS = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Waits between the demands to stop, in seconds; then the last one, again and again."""


class Job(Struct, frozen=True):
    """What /api/jobs/{id} says, as far as we need it."""

    status: str


class Queue(Struct, frozen=True):
    """What /queue says: for every prompt a list, whose second item is its id."""

    queue_running: list[list[Any]]
    queue_pending: list[list[Any]]


async def submit(
    client: Client, prompt_id: UUID, graph: Graph, ui_graph: Mapping[str, Any] | None
) -> None:
    """Queue a prompt; the errors are those of the port."""
    answer = await client.order_once(_body(client, prompt_id, graph, ui_graph), "prompt")
    await check_accepted(client, prompt_id, answer)


async def check_accepted(client: Client, prompt_id: UUID, answer: Answer) -> None:
    """Return if a prompt was queued as a whole; the errors are those of the port."""
    if answer.status == HTTPStatus.BAD_REQUEST and _names(answer, prompt_id):
        # The plugin refuses what it has queued, if a part of it is wrong.
        with suppress(MachineUnreachable):
            await stop(client, prompt_id)
    if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}:
        raise WorkflowRejected(_refusal(answer))
    if HTTPStatus.BAD_REQUEST < answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise MachineUnreachable(f"the machine answers {answer.status}: {answer.words()}")
    accepted = _accepted(answer)
    problems = problems_in(accepted)
    if accepted.error is None and problems:
        # ComfyUI runs the outputs that are right; a part of the picture is not what was asked.
        with suppress(MachineUnreachable):
            await stop(client, prompt_id)
    if problems:
        raise WorkflowRejected(problems)
    if accepted.prompt_id != str(prompt_id):
        too_old = "this ComfyUI gives prompts ids of its own: it is too old"
        raise MachineRefused("machine_too_old", too_old)


def _body(
    client: Client, prompt_id: UUID, graph: Graph, ui_graph: Mapping[str, Any] | None
) -> dict[str, Any]:
    # Nothing else may be in it: a repeated `number` or an `extra_data` of null kills the
    # worker thread of some versions.
    body = {"prompt": graph, "prompt_id": str(prompt_id), "client_id": str(prompt_id)}
    extra: dict[str, Any] = {}
    if ui_graph is not None:
        extra["extra_pnginfo"] = {"workflow": ui_graph}
    if client.secrets.comfy_api_key:
        # ComfyUI hands it to the nodes that ask for it, and keeps it out of its history.
        extra["api_key_comfy_org"] = client.secrets.comfy_api_key
    return body | {"extra_data": extra} if extra else body


def _names(answer: Answer, prompt_id: UUID) -> bool:
    try:
        return msgspec.json.decode(answer.body, type=PromptAnswer).prompt_id == str(prompt_id)
    except (msgspec.DecodeError, RecursionError):
        return False


def _refusal(answer: Answer) -> tuple[GraphProblem, ...]:
    try:
        problems = problems_in(msgspec.json.decode(answer.body, type=PromptAnswer))
    except (msgspec.DecodeError, RecursionError):
        problems = ()
    words = answer.words() or f"the machine answers {answer.status}"
    return problems or (GraphProblem(code="rejected", message=words),)


def _accepted(answer: Answer) -> PromptAnswer:
    try:
        return decoded(answer, PromptAnswer)
    except MachineUnreachable as error:
        # A 500 was seen although the prompt was queued.
        raise OutcomeUnknown(str(error)) from error


async def look_up(client: Client, prompt_id: UUID) -> PromptState:
    """Return what the machine knows of a prompt.

    Raises:
        MachineUnreachable: it does not answer.
        MachineRefused: its answer cannot be used.

    """
    ended = await _ended(client, prompt_id)
    if ended is not None:
        return ended
    state = await _unfinished(client, prompt_id)
    if state is not None:
        return state
    # It may have gone from the queue to the history between the two questions.
    return await _ended(client, prompt_id) or Lost()


async def _ended(client: Client, prompt_id: UUID) -> Finished | Failed | Interrupted | None:
    answer = await client.get("history", str(prompt_id))
    try:
        entry = decoded(answer, History).get(str(prompt_id))
        return outcome_of(entry, prompt_id) if entry else None
    except (MachineUnreachable, TypeError, RecursionError) as error:
        if answer.status == HTTPStatus.OK and str(prompt_id).encode() in answer.body:
            # The prompt is over, and this will be said of it for ever.
            raise client.refused(f"tells how it ended, and it cannot be read: {error}") from error
        raise


async def _unfinished(client: Client, prompt_id: UUID) -> Waiting | Running | None:
    answer = await client.get("api", "jobs", str(prompt_id))
    if answer.status == HTTPStatus.OK:
        return _open_state(decoded(answer, Job).status)
    if answer.status == HTTPStatus.NOT_FOUND and answer.media_type == "application/json":
        return None
    return await _queued(client, prompt_id)  # before 0.33 there is no such route


def _open_state(status: str) -> Waiting | Running | None:
    if status == "pending":
        return Waiting()
    return Running() if status == "in_progress" else None


async def _queued(client: Client, prompt_id: UUID) -> Waiting | Running | None:
    queue = await client.read(Queue, "queue")
    if _holds(queue.queue_running, prompt_id):
        return Running()
    return Waiting() if _holds(queue.queue_pending, prompt_id) else None


def _holds(items: list[list[Any]], prompt_id: UUID) -> bool:
    return any(item[1:2] == [str(prompt_id)] for item in items)


async def is_idle(client: Client) -> bool:
    """Whether the machine executes nothing at all.

    Raises:
        MachineUnreachable: it does not answer.

    """
    try:
        return not (await client.read(Queue, "queue")).queue_running
    except MachineRefused:
        return False  # what is too long to be read is no empty queue


async def stop(client: Client, prompt_id: UUID) -> None:
    """Stop exactly this prompt, and wait until it is over, for at most STOP_WITHIN seconds.

    Raises:
        MachineUnreachable: it does not answer.

    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + STOP_WITHIN
    for delay in chain(STOP_DELAYS, repeat(STOP_DELAYS[-1])):
        # Again each time: an interrupt that falls between two prompts is forgotten.
        await _demand_stop(client, prompt_id)
        if not isinstance(await look_up(client, prompt_id), Waiting | Running):
            return
        if loop.time() > deadline:
            return
        await asyncio.sleep(delay)


async def _demand_stop(client: Client, prompt_id: UUID) -> None:
    answer = await client.order({}, "api", "jobs", str(prompt_id), "cancel")
    if answer.status == HTTPStatus.OK:
        return
    await client.order({"delete": [str(prompt_id)]}, "queue")
    if isinstance(await _queued(client, prompt_id), Running):
        await client.order({"prompt_id": str(prompt_id)}, "interrupt")
