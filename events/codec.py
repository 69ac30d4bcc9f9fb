"""Bytes and headers to events and back. The stored names are contracts: see tests/golden.

The envelope travels as CloudEvents headers in NATS's binary mode; the body is the event alone.
A shape that changes gets a new name (…v2) and an upcaster from the old one; readers ignore fields
they do not know.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID

import msgspec

from events import alias, batch, deployment, workflow
from events.access import api_key, organisation, session, token
from events.envelope import AnyRecorded, Meta, Recorded
from events.machine import events as machine_events
from events.run import events as run_events

TYPES: dict[str, type[msgspec.Struct]] = {
    "run.created.v1": run_events.RunCreated,
    "run.image_uploaded.v1": run_events.ImageUploaded,
    "run.file_uploaded.v1": run_events.FileUploaded,
    "run.status_changed.v1": run_events.StatusChanged,
    "run.claimed.v1": run_events.RunClaimed,
    "run.outputs_produced.v1": run_events.OutputsProduced,
    "run.attempt_failed.v1": run_events.AttemptFailed,
    "run.attempt_lost.v1": run_events.AttemptLost,
    "run.retry_scheduled.v1": run_events.RetryScheduled,
    "run.cancel_requested.v1": run_events.CancelRequested,
    "run.waiting.v1": run_events.RunWaiting,
    "run.data_erased.v1": run_events.RunDataErased,
    "run.data_deleted.v1": run_events.RunDataDeleted,
    "run.inputs_erased.v1": run_events.RunInputsErased,
    "run.inputs_deleted.v1": run_events.RunInputsDeleted,
    "batch.created.v1": batch.BatchCreated,
    "batch.started.v1": batch.BatchStarted,
    "batch.cancel_requested.v1": batch.BatchCancelRequested,
    "workflow.created.v1": workflow.WorkflowCreated,
    "workflow.version_created.v1": workflow.WorkflowVersionCreated,
    "deployment.promoted.v1": deployment.DeploymentPromoted,
    "machine.registered.v1": machine_events.MachineRegistered,
    "machine.renamed.v1": machine_events.MachineRenamed,
    "machine.moved.v1": machine_events.MachineMoved,
    "machine.driver_changed.v1": machine_events.MachineDriverChanged,
    "machine.token_sealed.v1": machine_events.MachineTokenSealed,
    "machine.header_sealed.v1": machine_events.MachineHeaderSealed,
    "machine.comfy_key_sealed.v1": machine_events.MachineComfyKeySealed,
    "machine.drained.v1": machine_events.MachineDrained,
    "machine.resumed.v1": machine_events.MachineResumed,
    "machine.disabled.v1": machine_events.MachineDisabled,
    "machine.removed.v1": machine_events.MachineRemoved,
    "machine.observed.v1": machine_events.MachineObserved,
    "key.issued.v1": api_key.KeyIssued,
    "key.revoked.v1": api_key.KeyRevoked,
    "key.fetched.v1": api_key.KeyFetched,
    "token.revoked.v1": token.TokenRevoked,
    "session.started.v1": session.SessionStarted,
    "session.revoked.v1": session.SessionRevoked,
    "organisation.created.v1": organisation.OrganisationCreated,
    "organisation.member_added.v1": organisation.MemberAdded,
    "organisation.member_removed.v1": organisation.MemberRemoved,
    "alias.assigned.v1": alias.AliasAssigned,
}

Upcaster = tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]
UPCASTERS: dict[str, Upcaster] = {}
"""Old name to (next name, how to bring the old fields into the next shape)."""

SOURCE = "comfyd"
_PLAIN = ":@/-_.~"
"""All else is percent-encoded: a line break would end the header, a space at its end is lost."""

_NAMES = {cls: name for name, cls in TYPES.items()}
_DECODERS = {name: msgspec.json.Decoder(cls) for name, cls in TYPES.items()}
_ENCODER = msgspec.json.Encoder()


class UnknownEventType(Exception):
    """The log holds an event this version of comfyd does not know."""


class UnreadableEvent(Exception):
    """The log holds an event that cannot be decoded."""


def type_name_of(cls: type[msgspec.Struct]) -> str:
    """Return the stored name of a class of events."""
    return _NAMES[cls]


def encode(recorded: AnyRecorded) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body under which an event is stored."""
    meta = recorded.meta
    headers = {
        "Nats-Msg-Id": str(recorded.id),
        "ce-id": str(recorded.id),
        "ce-specversion": "1.0",
        "ce-type": recorded.type,
        "ce-source": SOURCE,
        "ce-subject": recorded.aggregate,
        "ce-time": recorded.event.at.isoformat(),
        "x-version": str(recorded.version),
        "x-tenant": quote(meta.tenant, safe=_PLAIN),
        "x-actor": quote(meta.actor, safe=_PLAIN),
        "x-command-id": str(meta.command_id),
    }
    optional = {
        "x-status": recorded.status,
        "x-correlation-id": quote(meta.correlation_id, safe=_PLAIN),
        "x-causation-id": quote(meta.causation_id, safe=_PLAIN),
        "traceparent": quote(meta.traceparent, safe=_PLAIN),
    }
    headers |= {name: value for name, value in optional.items() if value}
    return headers, _ENCODER.encode(recorded.event)


def decode(
    headers: Mapping[str, str], body: bytes, *, position: int, recorded_at: datetime
) -> AnyRecorded:
    """Read a stored event.

    Raises:
        UnknownEventType: it has a name this version does not know.
        UnreadableEvent: headers or body are broken.

    """
    try:
        name = headers["ce-type"]
        return Recorded(
            aggregate=headers["ce-subject"],
            position=position,
            version=int(headers["x-version"]),
            id=UUID(headers["ce-id"]),
            type=name,
            status=headers.get("x-status", ""),
            event=decode_body(name, body),
            meta=Meta(
                tenant=_plain(headers["x-tenant"]),
                actor=_plain(headers["x-actor"]),
                command_id=UUID(headers["x-command-id"]),
                correlation_id=_plain(headers.get("x-correlation-id", "")),
                causation_id=_plain(headers.get("x-causation-id", "")),
                traceparent=_plain(headers.get("traceparent", "")),
            ),
            recorded_at=recorded_at,
        )
    except (KeyError, ValueError, msgspec.DecodeError) as error:
        raise UnreadableEvent(f"position {position}: {error}") from error


def _plain(value: str) -> str:
    # Nearly all are: looking is cheaper than decoding.
    return unquote(value) if "%" in value else value


def decode_body(
    name: str, body: bytes, upcasters: Mapping[str, Upcaster] = UPCASTERS
) -> msgspec.Struct:
    """Read an event's body, bringing old shapes up to the present one.

    Raises:
        UnknownEventType: no version of comfyd up to this one stores such an event.

    """
    if decoder := _DECODERS.get(name):
        return decoder.decode(body)
    if name not in upcasters:
        raise UnknownEventType(name)
    fields = msgspec.json.decode(body)
    while name in upcasters:
        name, lift = upcasters[name]
        fields = lift(fields)
    return msgspec.convert(fields, TYPES[name])
