"""What is known of keys and tokens is half a second old at most, and outlives a short outage."""

import asyncio
from uuid import UUID, uuid4

import pytest
from typing_extensions import override

from app.auth import states
from app.auth.states import LEASE, TRUSTED, AuthStates
from events.access.token import RevokeToken, Token
from events.aggregates import KEY, TOKEN
from events.envelope import AnyRecorded
from infra.event_store import LogUnavailable, Session
from tests.builders.facts import NOW, meta
from tests.fakes.clocks import StoppedClock
from tests.fakes.event_store import MemoryEventStore


class CountedLog(MemoryEventStore):
    """A log that counts how often it is read, and may be away or slow."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere = MemoryEventStore()
        """The same log, as another process sees it."""

        self.elsewhere.log = self.log
        self.reads = 0
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()

    @override
    async def read(self, aggregate: str, *, after: int = 0) -> list[AnyRecorded]:
        self.reads += 1
        await self.gate.wait()
        if self.away:
            raise LogUnavailable("away")
        return await super().read(aggregate, after=after)


@pytest.fixture
def log() -> CountedLog:
    return CountedLog()


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


async def revoke(log: CountedLog, token_id: UUID) -> None:
    session = Session(log.elsewhere, TOKEN, token_id, tenant="user:ada")
    await session.execute(RevokeToken(token_id=token_id, jti=None, by="user:ada", now=NOW), meta())


async def test_all_who_ask_at_once_share_one_read(log: CountedLog) -> None:
    auth_states, token_id = AuthStates(log), uuid4()

    async def ask() -> None:
        assert await auth_states.of(TOKEN, token_id) is None

    await asyncio.gather(*(ask() for _ in range(100)))
    assert log.reads == 1


async def test_an_answer_holds_for_its_lease_and_no_longer(
    log: CountedLog, clock: StoppedClock
) -> None:
    auth_states, token_id = AuthStates(log, clock=clock), uuid4()
    assert await auth_states.of(TOKEN, token_id) is None
    await revoke(log, token_id)
    assert await auth_states.of(TOKEN, token_id) is None
    clock.advance(LEASE)
    assert await auth_states.of(TOKEN, token_id) == Token(id=token_id, revoked_at=NOW)
    assert log.reads == 2


async def test_what_this_process_has_changed_is_asked_for_at_once(log: CountedLog) -> None:
    auth_states, token_id = AuthStates(log), uuid4()
    assert await auth_states.of(TOKEN, token_id) is None
    await revoke(log, token_id)
    auth_states.forget(TOKEN, token_id)
    assert await auth_states.of(TOKEN, token_id) is not None


async def test_an_id_of_one_kind_says_nothing_of_another(log: CountedLog) -> None:
    auth_states, identifier = AuthStates(log), uuid4()
    await revoke(log, identifier)
    assert await auth_states.of(TOKEN, identifier) is not None
    assert await auth_states.of(KEY, identifier) is None


async def test_the_last_answer_counts_while_the_log_is_away(
    log: CountedLog, clock: StoppedClock
) -> None:
    auth_states, token_id = AuthStates(log, clock=clock), uuid4()
    await revoke(log, token_id)
    assert await auth_states.of(TOKEN, token_id) is not None
    log.away = True
    clock.advance(LEASE)
    assert await auth_states.of(TOKEN, token_id) is not None
    assert log.reads == 2


async def test_but_not_for_ever(log: CountedLog, clock: StoppedClock) -> None:
    auth_states, token_id = AuthStates(log, clock=clock), uuid4()
    assert await auth_states.of(TOKEN, token_id) is None
    log.away = True
    clock.advance(TRUSTED + LEASE)
    with pytest.raises(LogUnavailable):
        await auth_states.of(TOKEN, token_id)
    log.away = False
    clock.advance(LEASE)
    assert await auth_states.of(TOKEN, token_id) is None


async def test_nothing_is_known_of_what_was_never_asked(log: CountedLog) -> None:
    log.away = True
    with pytest.raises(LogUnavailable):
        await AuthStates(log).of(TOKEN, uuid4())


async def test_a_slow_log_keeps_nobody_waiting_who_has_an_answer(
    log: CountedLog, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "PATIENCE", 0.05)
    auth_states, token_id = AuthStates(log, clock=clock), uuid4()
    await auth_states.of(TOKEN, token_id)
    clock.advance(LEASE)
    log.gate.clear()
    # The first waits a little; those after it know that it was in vain.
    assert await auth_states.of(TOKEN, token_id) is None
    clock.advance(0.05)
    async with asyncio.timeout(0.05):
        assert await auth_states.of(TOKEN, token_id) is None
    assert log.reads == 2
    log.gate.set()


async def test_few_are_remembered_however_many_ask(
    log: CountedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "REMEMBERED", 2)
    auth_states = AuthStates(log)
    ids = [uuid4() for _ in range(3)]
    for token_id in [*ids, ids[0], ids[0]]:
        await auth_states.of(TOKEN, token_id)
    assert log.reads == 4
