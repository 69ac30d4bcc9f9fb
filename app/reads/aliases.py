"""Reads of aliases: which thing of the tenant an id means, ours or that of another system."""

from uuid import UUID

from app.auth.caller import Caller
from app.reads.owned import is_visible, not_found
from events import ids
from events.aggregates import ALIAS
from events.alias import AliasAssigned, AliasKind, canonical, is_derived, uuid_of
from infra.event_store import EventStore


class AliasReads:
    """Queries for aliases, from the log."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def resolve(self, caller: Caller, kind: AliasKind, text: str) -> UUID:
        """Return our id of what *text* names; an id that stands for nothing else is its own.

        An id that comfyd derives is told by its version, and costs no read.

        Raises:
            NotFound: it is no id, and stands for nothing.
            LogUnavailable: the log does not answer.

        """
        own = uuid_of(text)
        if own is not None and is_derived(text):
            return own
        target = await self.target(caller, kind, text) or own
        if target is None:
            raise not_found(kind)
        return target

    async def target(self, caller: Caller, kind: AliasKind, foreign_id: str) -> UUID | None:
        """Return what a foreign id stands for in the caller's tenant; None if for nothing."""
        alias_id = ids.alias_id(caller.tenant, kind, canonical(foreign_id))
        last = await self._store.last(ALIAS.name(alias_id))
        if last is None or not is_visible(caller, last.meta.tenant):
            return None
        assigned: AliasAssigned = last.event
        return assigned.target_id
