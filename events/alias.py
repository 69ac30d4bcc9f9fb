"""One alias: the id by which another system knows a thing, and which thing of ours it is."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from events.errors import AliasReserved

DERIVED = 5
"""The version of the UUIDs of workflows, versions, deployments and machines: see events/ids.py."""


class AliasKind(StrEnum):
    """What a foreign id stands for."""

    WORKFLOW = "workflow"
    VERSION = "version"
    DEPLOYMENT = "deployment"
    MACHINE = "machine"


class AliasAssigned(Struct, frozen=True, kw_only=True):
    """A foreign id stands for a thing of ours from now on; again: for another one."""

    kind: AliasKind
    foreign_id: str
    target_id: UUID
    by: str
    at: datetime


class Alias(Struct, frozen=True, kw_only=True):
    """The state of an alias."""

    kind: AliasKind
    foreign_id: str
    target_id: UUID
    assigned_at: datetime


class AssignAlias(Struct, frozen=True, kw_only=True):
    """Have a foreign id stand for a thing; the same again changes nothing."""

    kind: AliasKind
    foreign_id: str
    target_id: UUID
    by: str
    now: datetime


def canonical(foreign_id: str) -> str:
    """Return the one way in which a foreign id is written; UUIDs may come in several."""
    as_uuid = uuid_of(foreign_id)
    return str(as_uuid) if as_uuid else foreign_id


def uuid_of(text: str) -> UUID | None:
    """Return the UUID that a text is; None if it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def is_derived(text: str) -> bool:
    """Whether a text is an id as comfyd derives them. It is never looked for among the aliases."""
    identifier = uuid_of(text)
    return identifier is not None and identifier.version == DERIVED


def evolve(alias: Alias | None, event: AliasAssigned) -> Alias:  # noqa: ARG001 -- the last one counts
    """Fold one fact into the state."""
    return Alias(
        kind=event.kind,
        foreign_id=event.foreign_id,
        target_id=event.target_id,
        assigned_at=event.at,
    )


def decide(alias: Alias | None, command: AssignAlias) -> Sequence[AliasAssigned]:
    """Decide the events that follow.

    Raises:
        AliasReserved: the id may be one of comfyd's own.

    """
    if is_derived(command.foreign_id):
        raise AliasReserved
    if alias is not None and alias.target_id == command.target_id:
        return []
    return [
        AliasAssigned(
            kind=command.kind,
            foreign_id=command.foreign_id,
            target_id=command.target_id,
            by=command.by,
            at=command.now,
        )
    ]
