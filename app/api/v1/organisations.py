"""/v1/organisations: people who own things together, and who of them may do what."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct
from msgspec.structs import replace

from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, before_of, list_view
from app.api.v1.requests import Name, bad, identifier
from app.auth.caller import Caller, tenant_of
from app.auth.scopes import ADMIN, SCOPES, needs
from app.auth.tokens import LONGEST_CLAIM
from app.house import House
from app.openapi import errors
from events.decider import ORGANISATION
from events.errors import NotFound
from events.organisation import (
    CreateOrganisation,
    Organisation,
    OrganisationCommand,
    OrganisationEvent,
    PutMember,
    RemoveMember,
)
from infra.event_store import Session, load
from projections.queries import list_organisations

OrganisationSession = Session[Organisation, OrganisationCommand, OrganisationEvent]


class CreateOrganisationRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation to make."""

    name: Name


class PutMemberRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody shall be in an organisation."""

    role: Literal["owner", "member", "viewer"]


class MemberView(Struct, frozen=True, kw_only=True):
    """Somebody who belongs to an organisation."""

    user_id: str
    role: str


class OrganisationView(Struct, frozen=True, kw_only=True):
    """An organisation."""

    id: UUID
    name: str
    created_at: datetime
    members: list[MemberView]


@post("/v1/organisations", operation_id="createOrganisation", status_code=201, opt=needs(ADMIN))
async def create_organisation(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    data: JSONBody[CreateOrganisationRequest],
) -> OrganisationView:
    """Make an organisation; whoever makes it is its first owner."""
    if caller.user_id is None:
        raise bad("person_needed", "")
    organisation_id = house.new_id()
    tenant = tenant_of(None, str(organisation_id))
    session = Session(house.store, ORGANISATION, organisation_id, tenant=tenant)
    command = CreateOrganisation(
        organisation_id=organisation_id, name=data.name, owner=caller.user_id, now=house.now()
    )
    # It belongs to itself, not to whoever makes it.
    await session.execute(command, replace(house.meta(caller), tenant=tenant))
    return organisation_view(session.existing)


@get("/v1/organisations", operation_id="listOrganisations", opt=needs(*SCOPES))
async def organisations(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[OrganisationView]:
    """List the organisations that the caller belongs to, newest first; to a key, its own."""
    async with house.pool.connection() as connection:
        page = await list_organisations(
            connection,
            user_id=None if caller.role == "key" else caller.user_id,
            tenant=caller.tenant,
            limit=limit,
            before=before_of(cursor),
        )
    return list_view(page, lambda row: organisation_view(row.state))


@get("/v1/organisations/{organisation_id:str}", operation_id="getOrganisation", opt=needs(*SCOPES))
async def read_organisation(
    house: NamedDependency[House], caller: NamedDependency[Caller], organisation_id: FromPath[str]
) -> OrganisationView:
    """Read the organisation that the caller acts for, with its members."""
    session = await _acted_for(house, caller, organisation_id)
    return organisation_view(session.existing)


@put(
    "/v1/organisations/{organisation_id:str}/members/{user_id:str}",
    operation_id="setOrganisationMember",
    opt=needs(ADMIN),
    responses=errors("last_owner"),
)
async def put_member(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    organisation_id: FromPath[str],
    user_id: FromPath[str],
    data: JSONBody[PutMemberRequest],
) -> OrganisationView:
    """Let somebody belong to it with a role. Their tokens may do what the role may, at once."""
    if len(user_id) > LONGEST_CLAIM or not user_id.isprintable():
        raise bad("bad_user_id", "/user_id", limit=str(LONGEST_CLAIM))
    session = await _acted_for(house, caller, organisation_id)
    command = PutMember(user_id=user_id, role=data.role, by=caller.actor, now=house.now())
    return await _change(house, caller, session, command)


@delete(
    "/v1/organisations/{organisation_id:str}/members/{user_id:str}",
    operation_id="deleteOrganisationMember",
    status_code=204,
    opt=needs(ADMIN),
    responses=errors("last_owner"),
)
async def remove_member(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    organisation_id: FromPath[str],
    user_id: FromPath[str],
) -> None:
    """Let somebody belong to it no longer. Again changes nothing; the last owner has to stay."""
    session = await _acted_for(house, caller, organisation_id)
    command = RemoveMember(user_id=user_id, by=caller.actor, now=house.now())
    await _change(house, caller, session, command)


async def _acted_for(house: House, caller: Caller, organisation_id: str) -> OrganisationSession:
    """Load the organisation if it is the one that the caller acts for."""
    session = await load(house.store, ORGANISATION, identifier(organisation_id))
    if session.state is None or session.tenant != caller.tenant:
        raise NotFound(
            "there is no organisation with this id that you act for; name it in Comfyd-Organisation"
        )
    return session


async def _change(
    house: House, caller: Caller, session: OrganisationSession, command: OrganisationCommand
) -> OrganisationView:
    await session.execute(command, house.meta(caller))
    organisation = session.existing
    house.credentials.standings.forget(ORGANISATION, organisation.id)
    return organisation_view(organisation)


def organisation_view(organisation: Organisation) -> OrganisationView:
    """Show an organisation."""
    members = sorted(organisation.members.items())
    return OrganisationView(
        id=organisation.id,
        name=organisation.name,
        created_at=organisation.created_at,
        members=[MemberView(user_id=user_id, role=role) for user_id, role in members],
    )


ROUTES = [
    create_organisation,
    organisations,
    read_organisation,
    put_member,
    remove_member,
]
