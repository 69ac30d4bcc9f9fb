"""Create organisations, and change their members."""

from uuid import UUID

from msgspec.structs import replace

from app.auth.caller import Caller, tenant_of
from app.auth.credentials import Credentials
from app.auth.tokens import LONGEST_CLAIM
from app.commands.recorder import Recorder
from app.http.bad_request import bad
from app.reads.organisations import OrganisationReads
from events.access.organisation import (
    CreateOrganisation,
    Organisation,
    OrganisationCommand,
    PutMember,
    RemoveMember,
)
from events.aggregates import ORGANISATION
from infra.event_store import Session


class Organisations:
    """Use-cases that change organisations."""

    def __init__(
        self, recorder: Recorder, organisations: OrganisationReads, credentials: Credentials
    ) -> None:
        self._recorder = recorder
        self._organisations = organisations
        self._credentials = credentials

    async def create(self, caller: Caller, name: str) -> Organisation:
        """Create an organisation; the caller is its first owner.

        Raises:
            BadRequest: the caller is no person.
            LogUnavailable: it is not created.

        """
        if caller.user_id is None:
            raise bad("person_needed", "")
        organisation_id = self._recorder.new_id()
        tenant = tenant_of(None, str(organisation_id))
        session = Session(self._recorder.store, ORGANISATION, organisation_id, tenant=tenant)
        command = CreateOrganisation(
            organisation_id=organisation_id,
            name=name,
            owner=caller.user_id,
            now=self._recorder.now(),
        )
        # It belongs to itself, not to its creator.
        await session.execute(command, replace(self._recorder.meta(caller), tenant=tenant))
        return session.existing

    async def put_member(
        self, caller: Caller, organisation_id: UUID, user_id: str, role: str
    ) -> Organisation:
        """Add a person, or change their role. Their tokens may do what the role may, at once.

        Raises:
            BadRequest: no user is called so.
            NotFound: the caller does not act for it.
            LastOwner: it has no other owner.
            LogUnavailable: it stays as it is.

        """
        if len(user_id) > LONGEST_CLAIM or not user_id.isprintable():
            raise bad("bad_user_id", "/user_id", limit=str(LONGEST_CLAIM))
        command = PutMember(user_id=user_id, role=role, by=caller.actor, now=self._recorder.now())
        return await self._change(caller, organisation_id, command)

    async def remove_member(self, caller: Caller, organisation_id: UUID, user_id: str) -> None:
        """Remove a person; again changes nothing. Raises as `put_member`."""
        command = RemoveMember(user_id=user_id, by=caller.actor, now=self._recorder.now())
        await self._change(caller, organisation_id, command)

    async def _change(
        self, caller: Caller, organisation_id: UUID, command: OrganisationCommand
    ) -> Organisation:
        session = await self._organisations.session(caller, organisation_id)
        await self._recorder.execute(caller, session, command)
        self._credentials.states.forget(ORGANISATION, organisation_id)
        return session.existing
