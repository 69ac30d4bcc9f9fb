"""Reads of organisations."""

from uuid import UUID

from app.auth.caller import Caller
from app.reads.owned import is_visible
from events.access.organisation import Organisation, OrganisationCommand, OrganisationEvent
from events.aggregates import ORGANISATION
from events.errors import NotFound
from infra.event_store import EventStore, Session, load
from infra.postgres import Pool
from projections.queries import Page, list_organisations

OrganisationSession = Session[Organisation, OrganisationCommand, OrganisationEvent]


class OrganisationReads:
    """Queries for organisations."""

    def __init__(self, store: EventStore, pool: Pool) -> None:
        self._store = store
        self._pool = pool

    async def session(self, caller: Caller, organisation_id: UUID) -> OrganisationSession:
        """Load the organisation if it is the one that the caller acts for; its state is there.

        Raises:
            NotFound: the caller does not act for it.
            LogUnavailable: the log does not answer.

        """
        session = await load(self._store, ORGANISATION, organisation_id)
        if session.state is None or not is_visible(caller, session.tenant):
            raise NotFound(
                "there is no organisation with this id that you act for; "
                "name it in Comfyd-Organisation"
            )
        return session

    async def page(self, caller: Caller, *, limit: int, before: int | None) -> Page:
        """Return a part of the organisations of the caller's, newest first; of a key, its own."""
        async with self._pool.connection() as connection:
            return await list_organisations(
                connection,
                user_id=None if caller.role == "key" else caller.user_id,
                tenant=caller.tenant,
                limit=limit,
                before=before,
            )
