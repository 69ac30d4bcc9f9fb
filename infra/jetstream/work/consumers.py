"""The durable consumers of work, declared in one place; WorkQueue keeps them so.

Rendering has one consumer for each machine. Its limit of unacknowledged messages is the number of
runs a machine may hold at once over all workers: one that renders and one that waits behind it.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from events import subjects
from events.work import renders_of

ACK_WAIT = 2.0
"""Seconds until work of a worker that died is given to another; living ones speak up meanwhile."""

RUNS_PER_MACHINE = 2
RENDER_PREFIX = "render-"


class KindOfWork(Struct, frozen=True, kw_only=True):
    """Work that is done in one queue for all machines."""

    consumer: str
    subject: str
    """Where all pieces lie together; those with a subject of their own lie below it."""

    in_flight: int
    """Messages that may be unacknowledged at once, over all workers."""


# Most erasures wait for some seconds, and so do uploads from a machine that is busy or away, and
# looks at one; what waits keeps its place, and must not keep others from theirs.
UPLOADS = KindOfWork(consumer="upload", subject=subjects.UPLOAD_WORK, in_flight=10_000)
ERASURES = KindOfWork(consumer="erase", subject=subjects.ERASE_WORK, in_flight=1000)
BATCHES = KindOfWork(consumer="batch", subject=subjects.BATCH_WORK, in_flight=16)
OBSERVATIONS = KindOfWork(consumer="observe", subject=subjects.OBSERVE_WORK, in_flight=10_000)
THUMBNAILS = KindOfWork(consumer="thumbnail", subject=subjects.THUMBNAIL_WORK, in_flight=1000)
KINDS = (UPLOADS, ERASURES, BATCHES, OBSERVATIONS, THUMBNAILS)


def consumer_of(kind: KindOfWork) -> dict[str, Any]:
    """Return the declaration of the consumer of a kind of work."""
    return _consumer(kind.consumer, [kind.subject, f"{kind.subject}.>"], kind.in_flight)


def consumer_of_machine(machine_id: UUID) -> dict[str, Any]:
    """Return the declaration of the consumer of a machine's runs."""
    filters = [subjects.render_work(machine_id), renders_of(machine_id)]
    return _consumer(render_consumer(machine_id), filters, RUNS_PER_MACHINE)


def _consumer(name: str, filters: list[str], in_flight: int) -> dict[str, Any]:
    return {
        "durable_name": name,
        "filter_subjects": filters,
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "ack_wait": int(ACK_WAIT * 1e9),
        "max_deliver": -1,
        "max_ack_pending": in_flight,
    }


def differs(wanted: Mapping[str, Any], present: Mapping[str, Any] | None) -> bool:
    """Whether a consumer is missing or not as declared."""
    return present is None or any(present.get(field) != value for field, value in wanted.items())


def render_consumer(machine_id: UUID) -> str:
    """Return the name of a machine's consumer."""
    return f"{RENDER_PREFIX}{machine_id}"
