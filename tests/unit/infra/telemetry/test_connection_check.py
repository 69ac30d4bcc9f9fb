"""A silent connection: NATS may be away, which is waited for, or only this connection is lost."""

import pytest

from infra.event_store import LogUnavailable
from infra.jetstream.errors import ApiError, NatsError, Unanswered
from infra.telemetry.connection_check import PATIENCE, RENEW_AFTER, ConnectionCheck, starting
from infra.telemetry.watchdog import GaveUp


class Nats:
    """A server that answers over our connection, over a new one, or not at all."""

    def __init__(self) -> None:
        self.ours = self.another = True
        self.now = 0.0
        self.renewed: list[float] = []
        self.asked_anew = 0
        self.check = ConnectionCheck(
            self._ours, self._another, renew=self._renew, now=lambda: self.now
        )

    async def look(self, *, ours: bool, another: bool, after: float = 2.0) -> str:
        """Look *after* so many seconds, in which things became as they are told."""
        self.now += after
        self.ours, self.another = ours, another
        return await self.check.look()

    async def _ours(self) -> bool:
        return self.ours

    async def _another(self) -> bool:
        self.asked_anew += 1
        return self.another

    async def _renew(self) -> None:
        self.renewed.append(self.now)


async def test_a_connection_that_answers_needs_no_other() -> None:
    nats = Nats()
    assert [await nats.look(ours=True, another=True) for _ in range(3)] == ["ok"] * 3
    assert nats.asked_anew == 0


async def test_an_outage_for_all_is_waited_for_however_long() -> None:
    nats = Nats()
    for _ in range(3):
        assert await nats.look(ours=False, another=False, after=3600) == "away"
    assert nats.renewed == []
    assert await nats.look(ours=True, another=True) == "ok"


async def test_a_connection_that_alone_is_silent_is_renewed_once_and_then_given_up() -> None:
    nats = Nats()
    seen = [
        await nats.look(ours=False, another=True, after=seconds)
        for seconds in (1, RENEW_AFTER / 2, RENEW_AFTER / 2, PATIENCE - RENEW_AFTER - 1)
    ]
    assert seen == ["away"] * 4
    with pytest.raises(GaveUp):
        await nats.look(ours=False, another=True, after=1)
    assert nats.renewed == [1 + RENEW_AFTER]


@pytest.mark.parametrize("between", [(True, True), (False, False)])
async def test_patience_begins_anew_after_an_answer_and_after_an_outage(
    between: tuple[bool, bool],
) -> None:
    nats = Nats()
    await nats.look(ours=False, another=True)
    await nats.look(ours=between[0], another=between[1])
    assert await nats.look(ours=False, another=True, after=PATIENCE) == "away"
    assert await nats.look(ours=False, another=True, after=PATIENCE - 1) == "away"
    with pytest.raises(GaveUp):
        await nats.look(ours=False, another=True)


@pytest.mark.parametrize(
    "error",
    [
        ApiError(10008, "JetStream system temporarily unavailable"),
        LogUnavailable("nobody answers"),
        Unanswered("nats: timeout"),
        NatsError("nats: ServiceUnavailableError"),
        TimeoutError(),
    ],
)
def test_a_jetstream_without_a_leader_is_left_to_the_next_start(error: Exception) -> None:
    with pytest.raises(GaveUp, match="did not answer at the start"), starting():
        raise error
