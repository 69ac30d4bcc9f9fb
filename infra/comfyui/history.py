"""Read how a prompt ended from its entry in ComfyUI's history (pure)."""

from typing import Any
from uuid import UUID

from msgspec import Struct

from events.run.collect_outputs import collect_outputs
from infra.machine_driver import Failed, Finished, Interrupted

ENDS = ("execution_success", "execution_error", "execution_interrupted")
"""The messages of a prompt's end."""


class Status(Struct, frozen=True):
    """ComfyUI's verdict, and every event it sent about the prompt's execution."""

    status_str: str
    messages: list[tuple[str, dict[str, Any]]] = []


class Entry(Struct, frozen=True):
    """A prompt that is over."""

    status: Status
    outputs: dict[str, Any] = {}


History = dict[str, Entry]
"""What /history/{id} answers: empty until the prompt is over."""


def outcome_of(entry: Entry, prompt_id: UUID) -> Finished | Failed | Interrupted:
    """Return how the prompt of *entry* ended."""
    messages = entry.status.messages
    seconds = _seconds(messages)
    if entry.status.status_str == "success":
        outputs = collect_outputs(entry.outputs, prompt_id=prompt_id)
        return Finished(outputs=outputs, cached=_cached(messages), seconds=seconds)
    for event, data in reversed(messages):
        if event == "execution_interrupted":
            return Interrupted(seconds=seconds)
        if event == "execution_error":
            return _failure(data, seconds)
    return Failed(message="ComfyUI does not say why it failed", seconds=seconds)


def _seconds(messages: list[tuple[str, dict[str, Any]]]) -> float | None:
    """Return the time from begin to end, if ComfyUI has written both down (in milliseconds)."""
    at = {event: data.get("timestamp") for event, data in messages}
    began = at.get("execution_start")
    ended = next((at[event] for event in ENDS if event in at), None)
    if not (isinstance(began, int) and isinstance(ended, int)):
        return None
    return max(ended - began, 0) / 1000


def _cached(messages: list[tuple[str, dict[str, Any]]]) -> frozenset[str]:
    return frozenset(
        str(node_id)
        for event, data in messages
        if event == "execution_cached"
        for node_id in data.get("nodes") or []
    )


def _failure(data: dict[str, Any], seconds: float | None) -> Failed:
    exception = str(data.get("exception_type") or "")
    return Failed(
        message=str(data.get("exception_message") or "").rstrip() or exception,
        node_id=str(data.get("node_id") or ""),
        node_class=str(data.get("node_type") or ""),
        exception=exception,
        seconds=seconds,
    )
