"""One organisation: people who own things together, each with a role."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from events.errors import AlreadyExists, LastOwner, NotFound

OWNER = "owner"
MEMBER = "member"
VIEWER = "viewer"


class OrganisationCreated(Struct, frozen=True, kw_only=True):
    """An organisation was created; its creator is its first owner."""

    organisation_id: UUID
    name: str
    owner: str
    at: datetime


class MemberAdded(Struct, frozen=True, kw_only=True):
    """A user is a member, from now on with this role."""

    user_id: str
    role: str
    by: str
    at: datetime


class MemberRemoved(Struct, frozen=True, kw_only=True):
    """A user is a member no longer."""

    user_id: str
    by: str
    at: datetime


OrganisationEvent = OrganisationCreated | MemberAdded | MemberRemoved


class Organisation(Struct, frozen=True, kw_only=True):
    """The state of an organisation."""

    id: UUID
    name: str
    members: Mapping[str, str]
    """Role by user id; there is always an owner."""

    created_at: datetime


class CreateOrganisation(Struct, frozen=True, kw_only=True):
    """Make an organisation."""

    organisation_id: UUID
    name: str
    owner: str
    now: datetime


class PutMember(Struct, frozen=True, kw_only=True):
    """Add a member with a role, or change the role; the same again changes nothing."""

    user_id: str
    role: str
    by: str
    now: datetime


class RemoveMember(Struct, frozen=True, kw_only=True):
    """Remove a member; a second time changes nothing."""

    user_id: str
    by: str
    now: datetime


OrganisationCommand = CreateOrganisation | PutMember | RemoveMember


def evolve(organisation: Organisation | None, event: OrganisationEvent) -> Organisation:
    """Fold one fact into the state."""
    if isinstance(event, OrganisationCreated):
        return Organisation(
            id=event.organisation_id,
            name=event.name,
            members={event.owner: OWNER},
            created_at=event.at,
        )
    assert organisation is not None  # it was created before
    if isinstance(event, MemberAdded):
        members = {**organisation.members, event.user_id: event.role}
    else:
        members = {u: role for u, role in organisation.members.items() if u != event.user_id}
    return replace(organisation, members=members)


def decide(
    organisation: Organisation | None, command: OrganisationCommand
) -> Sequence[OrganisationEvent]:
    """Decide the events that follow.

    Raises:
        AlreadyExists: another organisation has this id.
        NotFound: there is no such organisation.
        LastOwner: it would have no owner any more.

    """
    if isinstance(command, CreateOrganisation):
        return _create(organisation, command)
    if organisation is None:
        raise NotFound("there is no organisation with this id")
    if isinstance(command, PutMember):
        return _put(organisation, command)
    return _remove(organisation, command)


def _create(
    organisation: Organisation | None, command: CreateOrganisation
) -> Sequence[OrganisationEvent]:
    if organisation is not None:
        raise AlreadyExists("another organisation has this id")
    return [
        OrganisationCreated(
            organisation_id=command.organisation_id,
            name=command.name,
            owner=command.owner,
            at=command.now,
        )
    ]


def _put(organisation: Organisation, command: PutMember) -> Sequence[OrganisationEvent]:
    if organisation.members.get(command.user_id) == command.role:
        return []
    if command.role != OWNER:
        _keep_an_owner(organisation, without=command.user_id)
    return [MemberAdded(user_id=command.user_id, role=command.role, by=command.by, at=command.now)]


def _remove(organisation: Organisation, command: RemoveMember) -> Sequence[OrganisationEvent]:
    if command.user_id not in organisation.members:
        return []
    _keep_an_owner(organisation, without=command.user_id)
    return [MemberRemoved(user_id=command.user_id, by=command.by, at=command.now)]


def _keep_an_owner(organisation: Organisation, *, without: str) -> None:
    owners = {user for user, role in organisation.members.items() if role == OWNER}
    if owners == {without}:
        raise LastOwner
