"""The heading of an event: all that its headers say, without its body.

Enough to see whether something may still be due for an aggregate, so that a whole log is looked
through by the last heading of each.
"""

from datetime import datetime

from msgspec import Struct

from events.aggregates import BATCH, MACHINE, RUN
from events.batch import BatchCancelRequested, BatchCreated
from events.codec import type_name_of
from events.machine.events import MachineRemoved
from events.run.events import RunDataErased, RunInputsErased
from events.run.status import TERMINAL
from events.subjects import kind_of

_ERASED = {type_name_of(RunDataErased), type_name_of(RunInputsErased)}
_REMOVED = type_name_of(MachineRemoved)
_BATCH_CREATED = type_name_of(BatchCreated)
_BATCH_CANCELLED = type_name_of(BatchCancelRequested)

_SETTLED_BATCH = 2
"""Events of a batch that was made and started; a third says that it is to be stopped."""


class Heading(Struct, frozen=True, kw_only=True):
    """What is known of an event before its body is read."""

    aggregate: str
    position: int
    version: int
    """How many events the aggregate has, up to this one."""

    type: str
    status: str
    """Of the run after it; empty for other aggregates."""

    recorded_at: datetime


def may_be_open(last: Heading) -> bool:
    """Whether something may be due for the aggregate whose last event has this heading."""
    kind = kind_of(last.aggregate)
    if kind == RUN.kind:
        return last.status not in TERMINAL or last.type in _ERASED
    return kind == BATCH.kind and (last.type == _BATCH_CREATED or is_stopped_batch(last))


def is_stopped_batch(last: Heading) -> bool:
    """Return whether the stop of the batch with this last event was requested."""
    return last.type == _BATCH_CANCELLED or last.version > _SETTLED_BATCH


def is_started_batch(last: Heading) -> bool:
    """Whether every run of the batch exists whose last event has this heading."""
    return last.version >= _SETTLED_BATCH and (
        last.type != _BATCH_CANCELLED or last.version > _SETTLED_BATCH
    )


def is_machine(last: Heading) -> bool:
    """Whether this is the last heading of a machine that was not removed."""
    return kind_of(last.aggregate) == MACHINE.kind and last.type != _REMOVED
