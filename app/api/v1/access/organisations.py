"""/v1/organisations: people who own things together, and who of them may do what."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct

from app.api.requests import Name, identifier
from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, before_of, list_view
from app.auth.caller import Caller
from app.auth.scopes import ADMIN, SCOPES, needs
from app.commands.organisations import Organisations
from app.openapi import errors
from app.reads.organisations import OrganisationReads
from events.access.organisation import Organisation


class CreateOrganisationRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation to create."""

    name: Name


class PutMemberRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The role of a member."""

    role: Literal["owner", "member", "viewer"]


class MemberView(Struct, frozen=True, kw_only=True):
    """A member of an organisation."""

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
    organisation_commands: NamedDependency[Organisations],
    caller: NamedDependency[Caller],
    data: JSONBody[CreateOrganisationRequest],
) -> OrganisationView:
    """Create an organisation; the caller is its first owner."""
    return organisation_view(await organisation_commands.create(caller, data.name))


@get("/v1/organisations", operation_id="listOrganisations", opt=needs(*SCOPES))
async def organisations(
    organisation_reads: NamedDependency[OrganisationReads],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[OrganisationView]:
    """List the organisations that the caller belongs to, newest first; to a key, its own."""
    page = await organisation_reads.page(caller, limit=limit, before=before_of(cursor))
    return list_view(page, lambda row: organisation_view(row.state))


@get("/v1/organisations/{organisation_id:str}", operation_id="getOrganisation", opt=needs(*SCOPES))
async def read_organisation(
    organisation_reads: NamedDependency[OrganisationReads],
    caller: NamedDependency[Caller],
    organisation_id: FromPath[str],
) -> OrganisationView:
    """Read the organisation that the caller acts for, with its members."""
    session = await organisation_reads.session(caller, identifier(organisation_id))
    return organisation_view(session.existing)


@put(
    "/v1/organisations/{organisation_id:str}/members/{user_id:str}",
    operation_id="setOrganisationMember",
    opt=needs(ADMIN),
    responses=errors("last_owner"),
)
async def put_member(
    organisation_commands: NamedDependency[Organisations],
    caller: NamedDependency[Caller],
    organisation_id: FromPath[str],
    user_id: FromPath[str],
    data: JSONBody[PutMemberRequest],
) -> OrganisationView:
    """Add a member, or change their role. Their tokens may do what the role may, at once."""
    changed = await organisation_commands.put_member(
        caller, identifier(organisation_id), user_id, data.role
    )
    return organisation_view(changed)


@delete(
    "/v1/organisations/{organisation_id:str}/members/{user_id:str}",
    operation_id="deleteOrganisationMember",
    status_code=204,
    opt=needs(ADMIN),
    responses=errors("last_owner"),
)
async def remove_member(
    organisation_commands: NamedDependency[Organisations],
    caller: NamedDependency[Caller],
    organisation_id: FromPath[str],
    user_id: FromPath[str],
) -> None:
    """Remove a member. Asking again changes nothing; the last owner has to stay."""
    await organisation_commands.remove_member(caller, identifier(organisation_id), user_id)


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
