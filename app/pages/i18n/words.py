"""Words for what a run is and what it waits for, as pages show them."""

from collections.abc import Mapping

from events.messages.texts import Terms, Texts
from events.run.status import Status
from events.run.waiting import WaitingReason
from infra.translation import translate, translate_term

STATUS_WORDS: Terms = (
    "waiting",
    "preparing",
    "next in ComfyUI",
    "rendering",
    "storing",
    "succeeded",
    "failed",
    "cancelled",
    "timed out",
)

_BY_STATUS: Mapping[str, str] = dict(zip(Status, STATUS_WORDS, strict=True))

REASONS: Texts = {
    "machine_queue": "for its turn on {machine}",
    "comfyui_queue": "for its turn in the queue of {machine}",
    "machine_unreachable": "{machine} does not answer",
    "storage_unavailable": "object storage does not answer",
    "machine_draining": "{machine} is drained; resume it, or wait for what it still has",
    "machine_disabled": "{machine} is disabled; resume it to go on",
    "retry_due": "for the next attempt on {machine}",
}

TROUBLE = frozenset(
    {
        WaitingReason.MACHINE_UNREACHABLE,
        WaitingReason.STORAGE_UNAVAILABLE,
        WaitingReason.MACHINE_DRAINING,
        WaitingReason.MACHINE_DISABLED,
    }
)
"""Reasons that do not pass by themselves, or not soon."""


def status_word(status: str, language: str) -> str:
    """Return the word for a status."""
    return translate_term(_BY_STATUS[status], language)


def reason_text(reason: str, machine: str, language: str) -> str:
    """Return what a run waits for; a reason of a newer version stays as it is."""
    return translate(REASONS.get(reason, reason), language, {"machine": machine})
