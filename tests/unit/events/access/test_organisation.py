"""Organisations: members with roles, and always an owner."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.access.organisation import (
    MEMBER,
    OWNER,
    VIEWER,
    CreateOrganisation,
    MemberAdded,
    OrganisationCommand,
    OrganisationCreated,
    OrganisationEvent,
    PutMember,
    RemoveMember,
)
from events.aggregates import ORGANISATION
from events.errors import AlreadyExists, LastOwner, NotFound
from tests.builders.facts import NOW, OTHER_ID

CREATED = OrganisationCreated(organisation_id=OTHER_ID, name="Acme", owner="ada", at=NOW)
CREATE = CreateOrganisation(organisation_id=OTHER_ID, name="Acme", owner="ada", now=NOW)


def put(user: str, role: str) -> PutMember:
    return PutMember(user_id=user, role=role, by="user:ada", now=NOW)


def remove(user: str) -> RemoveMember:
    return RemoveMember(user_id=user, by="user:ada", now=NOW)


def after(*commands: OrganisationCommand) -> dict[str, str]:
    """Return the members after these commands."""
    events: list[OrganisationEvent] = [CREATED]
    for command in commands:
        events += ORGANISATION.decide(ORGANISATION.fold(events), command)
    state = ORGANISATION.fold(events)
    assert state is not None
    return dict(state.members)


def test_whoever_makes_it_owns_it() -> None:
    assert ORGANISATION.decide(None, CREATE) == [CREATED]
    assert after() == {"ada": "owner"}
    with pytest.raises(AlreadyExists):
        after(CREATE)


def test_members_come_change_and_go() -> None:
    assert after(put("bob", "viewer")) == {"ada": "owner", "bob": "viewer"}
    assert after(put("bob", "viewer"), put("bob", "member"))["bob"] == "member"
    assert after(put("bob", "member"), remove("bob")) == {"ada": "owner"}


def test_the_same_again_changes_nothing() -> None:
    state = ORGANISATION.fold(
        [CREATED, MemberAdded(user_id="bob", role="viewer", by="user:ada", at=NOW)]
    )
    assert ORGANISATION.decide(state, put("bob", "viewer")) == []
    assert ORGANISATION.decide(state, put("ada", "owner")) == []
    assert ORGANISATION.decide(state, remove("carol")) == []


@pytest.mark.parametrize("command", [remove("ada"), put("ada", "member"), put("ada", "viewer")])
def test_the_last_owner_has_to_stay(command: OrganisationCommand) -> None:
    with pytest.raises(LastOwner):
        after(put("bob", "member"), command)
    assert after(put("bob", "owner"), command)["bob"] == "owner"


@pytest.mark.parametrize("command", [put("bob", "member"), remove("bob")])
def test_nobody_joins_what_is_not_there(command: OrganisationCommand) -> None:
    with pytest.raises(NotFound):
        ORGANISATION.decide(None, command)


COMMANDS = st.one_of(
    st.builds(put, st.sampled_from("abc"), st.sampled_from((OWNER, MEMBER, VIEWER))),
    st.builds(remove, st.sampled_from("abc")),
)


@given(st.lists(COMMANDS, max_size=20))
def test_whatever_happens_somebody_owns_it(commands: list[OrganisationCommand]) -> None:
    done: list[OrganisationCommand] = []
    for command in commands:
        try:
            members = after(*done, command)
        except LastOwner:
            continue
        done.append(command)
        assert OWNER in members.values()
