"""A stream ends when its reader's credential is withdrawn, also one in which nothing happens."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID, uuid4

import pytest
from typing_extensions import override

from app.auth.caller import Caller
from app.auth.session.links import VALID, SignInLink
from app.auth.withdrawals import Withdrawals
from events.access.api_key import RevokeKey
from events.access.session import LIFETIMES, RevokeSession, SignInMethod
from events.access.token import RevokeToken
from events.aggregates import KEY, ORGANISATION, SESSION, TOKEN
from events.envelope import AnyRecorded
from infra.event_store import LogUnavailable
from tests.builders.facts import NOW
from tests.fakes.callers import ACME, World, token
from tests.fakes.event_store import MemoryEventStore

SOON = 5.0


class SilentStream:
    """A stream in which nothing happens after its beginning."""

    def __init__(self) -> None:
        self.news: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        yield b"hello"
        try:
            while True:
                yield await self.news.get()
        finally:
            self.closed = True


class Reading:
    """Somebody who reads a silent stream, and has its beginning."""

    def __init__(self, withdrawals: Withdrawals, caller: Caller) -> None:
        self.stream = SilentStream()
        self.received: list[bytes] = []
        self._chunks = withdrawals.while_authorised(caller, self.stream.chunks())
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for chunk in self._chunks:
            self.received.append(chunk)

    async def goes_on(self) -> bool:
        """Return whether what happens now is received."""
        before = len(self.received)
        self.stream.news.put_nowait(b"event")
        async with asyncio.timeout(SOON):
            # A poll with a deadline.
            while len(self.received) == before and not self.task.done():  # noqa: ASYNC110 -- see above
                await asyncio.sleep(0.001)
        return not self.task.done()

    async def ended(self) -> None:
        """Wait for the end of a stream in which nothing happens."""
        async with asyncio.timeout(SOON):
            await self.task
        assert self.stream.closed


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def withdrawals(world: World) -> Withdrawals:
    """Return what no timer helps during a test."""
    return Withdrawals(world.credentials, settled=1000)


async def reading(withdrawals: Withdrawals, caller: Caller) -> Reading:
    somebody = Reading(withdrawals, caller)
    assert await somebody.goes_on()
    return somebody


def last_name(world: World) -> str:
    """Return the aggregate of the last event, as the reader of the log names it."""
    return world.log.log[-1].aggregate


async def test_a_revoked_key_ends_its_streams_and_no_others(
    world: World, withdrawals: Withdrawals
) -> None:
    key_id, key = await world.key()
    _, another = await world.key()
    theirs = [await reading(withdrawals, await world.caller(key)) for _ in range(3)]
    other = await reading(withdrawals, await world.caller(another))
    await world.happens(KEY, key_id, RevokeKey(by="user:ada", now=NOW))
    withdrawals.notice(last_name(world))
    for one in theirs:
        await one.ended()
    assert await other.goes_on()
    other.task.cancel()


async def test_a_revoked_token_ends_its_streams(world: World, withdrawals: Withdrawals) -> None:
    caller = await world.caller(token())
    somebody = await reading(withdrawals, caller)
    token_id = UUID(caller.credential.removeprefix("token:"))
    await world.happens(
        TOKEN, token_id, RevokeToken(token_id=token_id, jti=None, by="user:ada", now=NOW)
    )
    withdrawals.notice(last_name(world))
    await somebody.ended()


async def session_of(world: World) -> tuple[UUID, Caller]:
    link = SignInLink(link_id=uuid4(), user_id="ada", org_id=None, expires_at=world.now + VALID)
    sealed = world.links.address("", link).partition("=")[2]
    new = await world.sessions.start_with_link(sealed)
    return new.session.id, await world.pages.caller(new.secret)


async def test_a_session_that_is_signed_out_ends_its_streams(
    world: World, withdrawals: Withdrawals
) -> None:
    session_id, caller = await session_of(world)
    somebody = await reading(withdrawals, caller)
    await world.happens(SESSION, session_id, RevokeSession(by="user:ada", now=NOW))
    withdrawals.notice(last_name(world))
    await somebody.ended()


async def test_a_session_that_is_over_ends_its_streams_with_the_next_chunk(
    world: World, withdrawals: Withdrawals
) -> None:
    _, caller = await session_of(world)
    somebody = await reading(withdrawals, caller)
    world.now += LIFETIMES[SignInMethod.LINK]
    assert not await somebody.goes_on()
    await somebody.ended()


async def test_who_leaves_an_organisation_reads_no_more_of_it(
    world: World, withdrawals: Withdrawals
) -> None:
    await world.acme(bob="viewer", carl="viewer")
    bob, carl, ada = [
        await reading(withdrawals, await world.caller(token(user_id=user), ACME))
        for user in ("bob", "carl", "ada")
    ]
    await world.remove("bob")
    withdrawals.notice(ORGANISATION.name(ACME))
    await bob.ended()
    await world.put("carl", "member")
    withdrawals.notice(ORGANISATION.name(ACME))
    await carl.ended()
    assert await ada.goes_on()
    ada.task.cancel()


async def test_what_happened_as_the_stream_began_is_found_a_moment_later(world: World) -> None:
    key_id, key = await world.key()
    caller = await world.caller(key)
    somebody = Reading(Withdrawals(world.credentials, settled=0.01), caller)
    assert await somebody.goes_on()
    # The reader of the log began after it, and does not name it.
    await world.happens(KEY, key_id, RevokeKey(by="user:ada", now=NOW))
    await somebody.ended()


class LogThatIsAway(MemoryEventStore):
    """A log that answers only while it is there."""

    away = False

    @override
    async def read(self, aggregate: str, *, after: int = 0) -> list[AnyRecorded]:
        if self.away:
            raise LogUnavailable("away")
        return await super().read(aggregate, after=after)


async def test_a_check_that_the_log_does_not_answer_is_made_up_for(world: World) -> None:
    key_id, key = await world.key()
    caller = await world.caller(key)
    away = LogThatIsAway()
    away.log = world.log.log
    world.credentials.states._store = away
    withdrawals = Withdrawals(world.credentials, settled=0.01)
    somebody = await reading(withdrawals, caller)
    await world.happens(KEY, key_id, RevokeKey(by="user:ada", now=NOW))
    away.away = True
    withdrawals.notice(last_name(world))
    assert await somebody.goes_on(), "a stream outlives an outage of the log"
    away.away = False
    await somebody.ended()


async def test_nothing_is_kept_of_streams_that_are_over(
    world: World, withdrawals: Withdrawals
) -> None:
    _, key = await world.key()
    somebody = await reading(withdrawals, await world.caller(key))
    somebody.task.cancel()
    await asyncio.wait([somebody.task])
    assert somebody.stream.closed
    kept: Sequence[object] = [*withdrawals._streams, *withdrawals._unsettled]
    assert kept == []


async def test_an_error_of_the_stream_is_not_taken_for_its_end(
    world: World, withdrawals: Withdrawals
) -> None:
    async def breaks() -> AsyncGenerator[bytes, None]:
        yield b"hello"
        raise TimeoutError

    _, key = await world.key()
    chunks = withdrawals.while_authorised(await world.caller(key), breaks())
    with pytest.raises(TimeoutError):
        async for _ in chunks:
            pass
