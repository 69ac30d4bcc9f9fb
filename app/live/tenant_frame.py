"""An event as the clients of a tenant share it: encoded, with what it is selected by."""

from uuid import UUID

from msgspec import Struct

from app.reads.tenant_events import deployments_in
from events.envelope import AnyRecorded
from events.run.events import RunDataErased, RunInputsErased
from events.subjects import identifier_of, kind_of


class TenantFrame(Struct, frozen=True, kw_only=True):
    """One event. What it was encoded from may be large, and is not held."""

    position: int
    aggregate: str
    kind: str
    identifier: UUID
    """Both as in the aggregate's name: read once, not by each client."""

    type: str
    """Without its version."""

    data: bytes
    """The message, as clients receive it."""

    deployments: frozenset[UUID] | None
    """What it concerns; None where the event does not tell."""

    erases: bool
    """Whether what was said of the aggregate before may not be shown any more."""


def tenant_frame(recorded: AnyRecorded, data: bytes) -> TenantFrame:
    """Keep of an event what its clients need."""
    return TenantFrame(
        position=recorded.position,
        aggregate=recorded.aggregate,
        kind=kind_of(recorded.aggregate),
        identifier=identifier_of(recorded.aggregate),
        type=recorded.type.rpartition(".v")[0],
        data=data,
        deployments=deployments_in(recorded.event),
        erases=isinstance(recorded.event, RunDataErased | RunInputsErased),
    )
