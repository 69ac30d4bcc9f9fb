"""What surrounds an event: who, why, in answer to what; and where it lies in the log."""

from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import Struct

E = TypeVar("E")


class Meta(Struct, frozen=True, kw_only=True):
    """The circumstances of a command; its events inherit them."""

    tenant: str
    """org:<id> or user:<id>."""

    actor: str
    """Who did it: a user, or a part of comfyd."""

    command_id: UUID
    correlation_id: str = ""
    """Ties together all that follows from one request."""

    causation_id: str = ""
    """The event or command that led to this one."""

    traceparent: str = ""
    """W3C Trace Context, passed through."""


class Recorded(Struct, Generic[E], frozen=True, kw_only=True):
    """An event in the log."""

    aggregate: str
    position: int
    """Place in the log: grows over all aggregates. Opaque to clients."""

    version: int
    """Counts the aggregate's events: 1, 2, 3 without a gap."""

    id: UUID
    type: str
    """The stored name, such as run.created.v1."""

    status: str
    """The aggregate's status after this event; empty where it has none."""

    event: E
    meta: Meta
    recorded_at: datetime


AnyRecorded = Recorded[Any]


class Unreadable(Struct, frozen=True, kw_only=True):
    """An event of the log that this version of comfyd cannot read."""

    aggregate: str
    position: int
    type: str
    error: str


Entry = AnyRecorded | Unreadable
"""What a reader of the log meets."""
