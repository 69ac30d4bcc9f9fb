"""Signing in and out: each way in starts a session, and whatever ends it is known at once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.auth.caller import (
    Caller,
    KeyRevoked,
    SessionEnded,
    SignInLinkExpired,
    SignInLinkUsed,
    Unauthorized,
)
from app.auth.credentials import SCOPES_OF_ROLE
from app.auth.scopes import RUNS_READ, SCOPES
from app.auth.session.links import VALID, SignInLink
from app.auth.session.secrets import new_secret, session_id_in
from app.auth.tickets import Ticket, Tickets
from app.auth.tokens import Claims
from events.access.api_key import RevokeKey
from events.access.session import LIFETIMES, SessionStarted, SignInMethod
from events.aggregates import KEY
from events.errors import NotFound
from tests.builders.facts import NOW, OTHER_ID, later
from tests.fakes.callers import ACME, SECRET, World


@pytest.fixture
def world() -> World:
    return World()


def a_link(world: World, *, user: str = "ada", org: str | None = None) -> str:
    """Make the token of a link."""
    link = SignInLink(link_id=uuid4(), user_id=user, org_id=org, expires_at=world.now + VALID)
    address = world.links.address("https://comfyd.example/below/", link)
    assert address.startswith("https://comfyd.example/below/sign-in/link?token=")
    return address.partition("=")[2]


def claims(**changed: Any) -> Claims:
    """Return the claims of a person whom the provider has named."""
    told: dict[str, Any] = {
        "user_id": "ada",
        "org_id": None,
        "role": "viewer",
        "token_id": OTHER_ID,
        "until": NOW.timestamp(),
    }
    return Claims(**(told | changed))


async def caller(world: World, secret: str) -> Caller:
    return await world.pages.caller(secret)


async def test_a_link_signs_its_person_in_as_the_owner_of_what_is_theirs(world: World) -> None:
    new = await world.sessions.start_with_link(a_link(world))
    who = await caller(world, new.secret)
    assert who == Caller(
        user_id="ada",
        org_id=None,
        scopes=SCOPES,
        role="owner",
        credential=f"session:{new.session.id}",
        session=new.session.id,
    )
    assert (who.tenant, who.actor) == ("user:ada", "user:ada")
    started = new.session.started
    assert (started.method, started.by) == (SignInMethod.LINK, "user:ada")
    assert started.expires_at == NOW + LIFETIMES[SignInMethod.LINK]


async def test_the_log_has_the_hash_of_a_secret_alone(world: World) -> None:
    new = await world.sessions.start_with_link(a_link(world))
    [recorded] = world.log.log
    assert isinstance(recorded.event, SessionStarted)
    assert new.secret not in repr(recorded)
    assert len(recorded.event.sha256) == 64


async def test_a_link_is_used_once_also_after_its_session_was_revoked(world: World) -> None:
    token = a_link(world)
    new = await world.sessions.start_with_link(token)
    with pytest.raises(SignInLinkUsed):
        await world.sessions.start_with_link(token)
    await world.sessions.revoke(await caller(world, new.secret), new.session.id)
    with pytest.raises(SignInLinkUsed):
        await world.sessions.start_with_link(token)
    assert len(world.log.log) == 2


async def test_of_two_browsers_that_use_a_link_at_once_one_is_signed_in(world: World) -> None:
    token = a_link(world)
    outcomes = await asyncio.gather(
        *(world.sessions.start_with_link(token) for _ in range(5)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "NewSession",
        *["SignInLinkUsed"] * 4,
    ]
    assert len(world.log.log) == 1


async def test_a_link_is_read_without_being_used(world: World) -> None:
    token = a_link(world)
    assert world.sessions.read_link(token) == world.sessions.read_link(token)
    assert world.log.log == []


async def test_a_link_is_good_for_ten_minutes(world: World) -> None:
    token = a_link(world)
    world.now = NOW + VALID
    with pytest.raises(SignInLinkExpired):
        await world.sessions.start_with_link(token)
    world.now = NOW + VALID - timedelta(milliseconds=1)
    assert (await world.sessions.start_with_link(token)).session.revoked_at is None


async def test_what_was_sealed_for_something_else_is_no_link(world: World) -> None:
    ticket = Ticket(
        aggregate="run-1", credential="key:1", user_id="ada", org_id=None, expires_at=later(60)
    )
    for wrong in ("", "nonsense", "é" * 9000, Tickets(SECRET).seal(ticket)):
        with pytest.raises(Unauthorized):
            await world.sessions.start_with_link(wrong)


async def test_a_link_for_an_organisation_gives_the_role_that_the_person_has_there(
    world: World,
) -> None:
    await world.acme(bob="viewer")
    new = await world.sessions.start_with_link(a_link(world, user="bob", org=str(ACME)))
    assert (await caller(world, new.secret)).scopes == SCOPES_OF_ROLE["viewer"]
    await world.put("bob", "member")
    assert (await caller(world, new.secret)).role == "member"
    await world.remove("bob")
    with pytest.raises(SessionEnded):
        await caller(world, new.secret)
    with pytest.raises(NotFound):
        await world.sessions.start_with_link(a_link(world, user="bob", org=str(ACME)))


async def test_a_session_of_a_key_may_do_what_the_key_may(world: World) -> None:
    key_id, key = await world.key(org_id="acme", deployments=(OTHER_ID,))
    new = await world.sessions.start_with_key(key)
    who = await caller(world, new.secret)
    assert (who.scopes, who.deployments) == (frozenset({RUNS_READ}), frozenset({OTHER_ID}))
    assert (who.actor, who.tenant) == (f"key:{key_id}", "org:acme")
    assert (who.credential, who.session) == (f"key:{key_id}", new.session.id)


async def test_a_session_ends_with_its_key(world: World) -> None:
    key_id, key = await world.key(expires_at=later(100))
    new = await world.sessions.start_with_key(key)
    assert new.session.started.expires_at == later(100)
    who = await caller(world, new.secret)
    await world.happens(KEY, key_id, RevokeKey(by="user:ada", now=NOW))
    with pytest.raises(SessionEnded):
        await caller(world, new.secret)
    assert await world.credentials.withdrawn(who)
    with pytest.raises(KeyRevoked):
        await world.sessions.start_with_key(key)


async def test_only_a_key_signs_in_as_one(world: World) -> None:
    new = await world.sessions.start_with_link(a_link(world))
    for wrong in ("", "cfd_", "nonsense", new.secret):
        with pytest.raises(Unauthorized):
            await world.sessions.start_with_key(wrong)


@pytest.mark.parametrize(
    ("said", "tenant", "role"),
    [
        ({}, "user:ada", "owner"),
        ({"org_id": "acme"}, "org:acme", "viewer"),
        ({"org_id": "acme", "role": "member"}, "org:acme", "member"),
    ],
)
async def test_the_provider_names_a_person_and_their_role(
    world: World, said: dict[str, Any], tenant: str, role: str
) -> None:
    new = await world.sessions.start_with_provider(claims(**said))
    who = await caller(world, new.secret)
    assert (who.tenant, who.role) == (tenant, role)
    assert new.session.started.expires_at == NOW + LIFETIMES[SignInMethod.PROVIDER]


async def test_an_organisation_kept_here_decides_for_people_of_the_provider(world: World) -> None:
    await world.acme()
    with pytest.raises(NotFound):
        await world.sessions.start_with_provider(claims(user_id="eve", org_id=str(ACME)))


async def test_a_session_counts_until_its_end(world: World) -> None:
    new = await world.sessions.start_with_provider(claims())
    world.now = NOW + LIFETIMES[SignInMethod.PROVIDER] - timedelta(milliseconds=1)
    assert (await caller(world, new.secret)).user_id == "ada"
    world.now = NOW + LIFETIMES[SignInMethod.PROVIDER]
    with pytest.raises(SessionEnded):
        await caller(world, new.secret)


async def test_a_session_that_was_revoked_ends_at_once_and_its_streams(world: World) -> None:
    new = await world.sessions.start_with_link(a_link(world))
    who = await caller(world, new.secret)
    assert not await world.credentials.withdrawn(who)
    await world.sessions.revoke(who, new.session.id)
    await world.sessions.revoke(who, new.session.id)
    assert [e.type for e in world.log.log] == ["session.started.v1", "session.revoked.v1"]
    with pytest.raises(SessionEnded):
        await caller(world, new.secret)
    assert await world.credentials.withdrawn(who)


async def test_a_person_ends_their_own_sessions_and_an_admin_those_of_the_tenant(
    world: World,
) -> None:
    await world.acme(bob="viewer", carl="viewer")
    ada, bob, carl = [
        await world.sessions.start_with_link(a_link(world, user=user, org=str(ACME)))
        for user in ("ada", "bob", "carl")
    ]
    stranger = await world.sessions.start_with_link(a_link(world, user="eve"))
    for who, whose in ((bob, carl), (stranger, bob)):
        with pytest.raises(NotFound):
            await world.sessions.revoke(await caller(world, who.secret), whose.session.id)
    await world.sessions.revoke(await caller(world, bob.secret), bob.session.id)
    await world.sessions.revoke(await caller(world, ada.secret), carl.session.id)
    for ended in (bob, carl):
        with pytest.raises(SessionEnded):
            await caller(world, ended.secret)
    assert (await caller(world, ada.secret)).user_id == "ada"


async def test_who_has_a_key_of_a_person_does_not_end_the_sessions_of_that_person(
    world: World,
) -> None:
    own = await world.sessions.start_with_link(a_link(world))
    _, key = await world.key()
    _, other = await world.key()
    by_key, by_other = [await world.sessions.start_with_key(shown) for shown in (key, other)]
    for session in (own, by_other):
        with pytest.raises(NotFound):
            await world.sessions.revoke(await caller(world, by_key.secret), session.session.id)
    await world.sessions.revoke(await caller(world, by_key.secret), by_key.session.id)


async def test_a_secret_is_good_for_its_session_alone(world: World) -> None:
    new = await world.sessions.start_with_link(a_link(world))
    for wrong in ("", new.secret[:-1], new_secret(new.session.id), new_secret(uuid4())):
        with pytest.raises(Unauthorized) as refused:
            await caller(world, wrong)
        assert type(refused.value) is Unauthorized


async def test_a_secret_of_a_session_is_no_credential_of_the_api(world: World) -> None:
    new = await world.sessions.start_with_link(a_link(world))
    with pytest.raises(Unauthorized):
        await world.caller(new.secret)


def test_a_secret_names_its_session() -> None:
    session_id = UUID(int=7)
    assert session_id_in(new_secret(session_id)) == session_id
    assert session_id_in("cfd_" + "A" * 64) is None
