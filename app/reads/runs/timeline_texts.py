"""Texts of a timeline: what happened to a run, and why, in a sentence each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from events.messages.texts import Texts
from events.run.events import (
    AttemptFailed,
    AttemptLost,
    CancelRequested,
    FileUploaded,
    ImageUploaded,
    OutputsProduced,
    RetryScheduled,
    RunClaimed,
    RunCreated,
    RunDataDeleted,
    RunDataErased,
    RunError,
    RunEvent,
    RunInputsDeleted,
    RunInputsErased,
    RunWaiting,
    StatusChanged,
)
from events.run.waiting import Waiting, WaitingReason
from infra.translation import translate

PHRASES: Texts = {
    "created": "accepted",
    "created_why": "version {version}, {environment}",
    "claimed": "attempt {attempt} went to machine {machine}",
    "claimed_deployment": "the deployment names this machine",
    "claimed_retry": "the attempt before was lost",
    "claimed_takeover": "the worker that had it stopped, or the machine did not answer",
    "input": "input image '{name}' was stored",
    "output": "output '{name}' was stored",
    "input_erased": "an input image was stored",
    "output_erased": "an output was stored",
    "stored_why": "{bytes} bytes in {seconds} s",
    "queued": "a worker took the run",
    "started": "it is in the machine's own queue",
    "running": "the machine began to render",
    "uploading": "its outputs are on their way to object storage",
    "success": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
    "timeout": "timed out",
    "produced": "rendered; outputs: {count}",
    "attempt_failed": "node {node} ({node_class}) failed",
    "attempt_failed_as_a_whole": "attempt {attempt} failed",
    "attempt_lost": "attempt {attempt} was lost",
    "retry": "attempt {attempt} may begin at {due}",
    "cancel": "cancellation was requested",
    "waiting": "it has to wait",
    "waiting_over": "it goes on",
    "erased": "its private data was erased",
    "erased_request": "{by} asked for it",
    "erased_retention": "the retention period is over",
    "deleted": "its private data is deleted everywhere",
    "inputs_erased": "its inputs were erased; its outputs stay",
    "inputs_deleted": "its inputs are deleted everywhere",
    # what a run waits for
    "machine_queue": (
        "its turn: machine {machine} has as many runs as it may hold, or no worker is running"
    ),
    "comfyui_queue": "its turn in the queue of machine {machine}",
    "machine_unreachable": "machine {machine} does not answer: {detail}",
    "storage_unavailable": "object storage does not answer: {detail}",
    "machine_draining": "machine {machine} is drained; it gets nothing new until it is resumed",
    "machine_disabled": "machine {machine} is disabled; it gets nothing until it is resumed",
    "retry_due": "the next attempt, at {detail}",
}


Machines = Mapping[UUID, str]
NAMELESS: Machines = MappingProxyType({})


class EventText(NamedTuple):
    """A fact in words."""

    what: str
    why: str


def phrase(code: str, language: str, **params: object) -> str:
    """Return a text in *language*: en or zh; without the colon where nothing follows it."""
    return translate(PHRASES[code], language, params).rstrip(" :：")


def waiting_text(waiting: Waiting, language: str, machines: Machines = NAMELESS) -> str:
    """Return what a run waits for; a reason of a newer version stays as it is."""
    if waiting.reason not in frozenset(WaitingReason):
        return waiting.detail or waiting.reason
    machine = _machine(waiting.machine_id, machines)
    return phrase(waiting.reason, language, machine=machine, detail=waiting.detail)


def event_text(  # noqa: PLR0911, C901 -- one line for each fact
    event: RunEvent, language: str, machines: Machines = NAMELESS
) -> EventText:
    """Return what happened, and why, in *language*: en or zh; *machines* have these names."""
    match event:
        case RunCreated():
            facts = {"version": event.version, "environment": event.environment}
            return _event_text("created", "created_why", language, facts)
        case RunClaimed():
            machine = _machine(event.machine_id, machines)
            claim = {"attempt": event.attempt, "machine": machine}
            return _event_text("claimed", f"claimed_{event.reason}", language, claim)
        case ImageUploaded() | FileUploaded():
            return _stored(event, language)
        case StatusChanged():
            what = phrase(event.status, language)
            return EventText(what, _error(event.error) if event.error else "")
        case RunWaiting():
            return _waiting(event, language, machines)
        case OutputsProduced():
            return EventText(phrase("produced", language, count=len(event.outputs)), "")
        case AttemptFailed() | AttemptLost() | RetryScheduled():
            return _attempt(event, language)
        case CancelRequested():
            return EventText(phrase("cancel", language), event.by)
        case RunDataErased():
            return _event_text("erased", f"erased_{event.reason}", language, {"by": event.by})
        case RunDataDeleted():
            return EventText(phrase("deleted", language), "")
        case RunInputsErased():
            return EventText(
                phrase("inputs_erased", language), phrase("erased_request", language, by=event.by)
            )
        case RunInputsDeleted():
            return EventText(phrase("inputs_deleted", language), "")


def _machine(identifier: UUID | None, machines: Machines) -> str:
    return machines.get(identifier, str(identifier)) if identifier else ""


def _event_text(what: str, why: str, language: str, params: Mapping[str, object]) -> EventText:
    reason = phrase(why, language, **params) if why in PHRASES else ""
    return EventText(phrase(what, language, **params), reason)


def _stored(event: ImageUploaded | FileUploaded, language: str) -> EventText:
    role = event.role if isinstance(event, ImageUploaded) else "output"
    facts = {"name": event.name, "bytes": event.bytes, "seconds": round(event.upload_duration, 3)}
    return _event_text(role if event.name else f"{role}_erased", "stored_why", language, facts)


def _waiting(event: RunWaiting, language: str, machines: Machines) -> EventText:
    if not event.reason:
        return EventText(phrase("waiting_over", language), "")
    waiting = Waiting(
        reason=event.reason, detail=event.detail, machine_id=event.machine_id, since=event.at
    )
    return EventText(phrase("waiting", language), waiting_text(waiting, language, machines))


def _attempt(event: AttemptFailed | AttemptLost | RetryScheduled, language: str) -> EventText:
    match event:
        case AttemptFailed():
            node, node_class = event.error.node_id, event.error.node_class
            code = "attempt_failed" if node else "attempt_failed_as_a_whole"
            facts = {"attempt": event.attempt, "node": node, "node_class": node_class}
            return EventText(phrase(code, language, **facts), _error(event.error))
        case AttemptLost():
            return EventText(phrase("attempt_lost", language, attempt=event.attempt), event.reason)
        case RetryScheduled():
            due = event.due.isoformat(timespec="seconds")
            return EventText(phrase("retry", language, attempt=event.attempt, due=due), "")


def _error(error: RunError) -> str:
    return f"{error.code}: {error.message}" if error.message else error.code
