"""A ticket shows one thing for minutes, and counts no longer than the credential behind it."""

import base64
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.fernet import Fernet

from app.auth.caller import Caller, TicketExpired, TicketRevoked, Unauthorized
from app.auth.credentials import LONGEST
from app.auth.scopes import RUNS_READ
from app.auth.tickets import Tickets
from events.access.api_key import RevokeKey
from events.access.token import RevokeToken
from events.aggregates import KEY, RUN, TOKEN
from events.errors import NotFound
from tests.builders.facts import NOW, OTHER_ID, RUN_ID, later
from tests.fakes.callers import ACME, SECRET, World, token

RUN_NAME = RUN.name(RUN_ID)


@pytest.fixture
def world() -> World:
    return World()


async def issued(world: World, credential: str, *, seconds: int = 60, org: object = "") -> str:
    caller = await world.caller(credential, org)
    ticket, _ = await world.credentials.issue_ticket(caller, RUN_NAME, seconds=seconds)
    return ticket


async def test_a_ticket_reads_one_run_for_the_tenant_of_who_made_it(world: World) -> None:
    key_id, key = await world.key(org_id="acme", user_id="ada")
    ticket = await issued(world, key)

    assert await world.credentials.caller_with_ticket(ticket, RUN_NAME) == Caller(
        user_id="ada",
        org_id="acme",
        scopes=frozenset({RUNS_READ}),
        role="ticket",
        credential=f"key:{key_id}",
        ticket=RUN_NAME,
    )


@pytest.mark.parametrize("other", [RUN.name(OTHER_ID), f"batch-{RUN_ID}"])
async def test_a_ticket_for_something_else_finds_nothing(world: World, other: str) -> None:
    ticket = await issued(world, token())

    with pytest.raises(NotFound):
        await world.credentials.caller_with_ticket(ticket, other)


async def test_a_ticket_for_a_tenant_shows_no_more_than_its_maker_may_see(world: World) -> None:
    _, key = await world.key(deployments=(OTHER_ID,))
    _, whole = await world.key()

    for credential, named, shown in (
        (key, (), {OTHER_ID}),
        (whole, (), set()),
        (whole, (RUN_ID,), {RUN_ID}),
    ):
        maker = await world.caller(credential)
        ticket, _ = await world.credentials.issue_ticket(
            maker, maker.tenant, seconds=60, deployments=named
        )
        caller = await world.credentials.caller_with_ticket(ticket, None)
        assert (set(caller.deployments), set(caller.scopes)) == (shown, {RUNS_READ})
        assert (caller.tenant, caller.ticket) == (maker.tenant, maker.tenant)
        with pytest.raises(NotFound):
            await world.credentials.caller_with_ticket(ticket, RUN_NAME)


async def test_a_ticket_for_a_run_does_not_open_its_tenant(world: World) -> None:
    ticket = await issued(world, token())
    with pytest.raises(NotFound):
        await world.credentials.caller_with_ticket(ticket, None)


async def test_a_stream_ends_when_its_member_has_another_role(world: World) -> None:
    await world.acme(bob="owner")
    caller = await world.caller(token(user_id="bob"), ACME)
    ticket = await issued(world, token(user_id="bob"), org=ACME)
    page = await world.credentials.caller_with_ticket(ticket, RUN_NAME)
    assert not await world.credentials.withdrawn(caller)
    await world.put("bob", "viewer")

    assert await world.credentials.withdrawn(caller)
    assert not await world.credentials.withdrawn(page)


async def test_a_ticket_ends_at_its_time(world: World) -> None:
    ticket = await issued(world, token(), seconds=60)
    world.now = later(59)
    await world.credentials.caller_with_ticket(ticket, RUN_NAME)
    world.now = later(60)

    with pytest.raises(TicketExpired):
        await world.credentials.caller_with_ticket(ticket, RUN_NAME)


async def test_a_ticket_ends_with_its_key_at_the_latest(world: World) -> None:
    _, key = await world.key(expires_at=NOW + timedelta(seconds=30))
    caller = await world.caller(key)

    _, end = await world.credentials.issue_ticket(caller, RUN_NAME, seconds=60)

    assert end == NOW + timedelta(seconds=30)


async def test_a_ticket_is_revoked_with_its_key(world: World) -> None:
    key_id, key = await world.key()
    ticket = await issued(world, key)
    await world.happens(KEY, key_id, RevokeKey(by="test", now=NOW))

    with pytest.raises(TicketRevoked):
        await world.credentials.caller_with_ticket(ticket, RUN_NAME)


async def test_a_ticket_is_revoked_with_its_token(world: World) -> None:
    ticket = await issued(world, made := token())
    token_id = (await world.credentials.claims(made)).token_id
    revoke = RevokeToken(token_id=token_id, jti=None, by="test", now=NOW)
    await world.happens(TOKEN, token_id, revoke)

    with pytest.raises(TicketRevoked):
        await world.credentials.caller_with_ticket(ticket, RUN_NAME)


async def test_a_ticket_goes_with_a_member_who_is_removed(world: World) -> None:
    await world.acme(bob="viewer")
    ticket = await issued(world, token(user_id="bob"), org=ACME)
    await world.credentials.caller_with_ticket(ticket, RUN_NAME)
    await world.remove("bob")

    with pytest.raises(TicketRevoked):
        await world.credentials.caller_with_ticket(ticket, RUN_NAME)


async def test_a_ticket_is_no_token_and_a_token_no_ticket(world: World) -> None:
    _, key = await world.key()
    ticket = await issued(world, key)
    claims: dict[str, Any] = {"aggregate": RUN_NAME, "credential": "key:x", "exp": 2**33}

    with pytest.raises(Unauthorized):
        await world.caller(ticket)
    sealed_otherwise = Fernet(base64.urlsafe_b64encode(SECRET.encode()[:32])).encrypt(b"{}")
    for other in (
        key,
        token(**claims),
        jwt.encode(claims, SECRET, algorithm="HS256"),
        sealed_otherwise.decode(),
        Tickets(SECRET + "!").seal(Tickets(SECRET).open(ticket, NOW)),
        ticket[:-8] + "AAAAAAA=",
        "",
        "\ud800",
        ticket * (LONGEST // len(ticket) + 1),
    ):
        with pytest.raises(Unauthorized):
            await world.credentials.caller_with_ticket(other, RUN_NAME)


async def test_a_ticket_tells_its_bearer_nothing(world: World) -> None:
    key_id, key = await world.key(user_id="ada@example.org")
    ticket = await issued(world, key)

    inside = base64.urlsafe_b64decode(ticket)
    assert b"ada" not in inside
    assert str(key_id).encode() not in inside
    assert UUID(key_id.hex).bytes not in inside
