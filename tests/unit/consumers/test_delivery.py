"""How each end of a piece of work is answered, and that nothing is lost on the way."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from consumers.delivery import TRIES, FailureCounts, InHand, RetryLater, deliver, growing_delay
from events.errors import Superseded
from infra.event_store import LogUnavailable
from infra.jetstream.errors import Unanswered
from infra.jetstream.work.delivery import Delivery
from infra.jetstream.work.queue import WorkQueue
from infra.telemetry.worker_metrics import Delivered
from tests.builders.facts import RUN_ID


class FakeMessage:
    """A message that notes its answers; set *away* and none gets through."""

    def __init__(self, body: bytes = f'"{RUN_ID}"'.encode(), *, delivery: int = 1) -> None:
        place = SimpleNamespace(stream=7)
        metadata = SimpleNamespace(
            num_delivered=delivery, stream="WORK", consumer="upload", sequence=place
        )
        self.body = body
        self.raw_message = SimpleNamespace(metadata=metadata, subject="work.upload", data=body)
        self.answers: list[object] = []
        self.away = False

    def _answer(self, answer: object) -> None:
        if self.away:
            raise TimeoutError
        self.answers.append(answer)

    async def ack_sync(self) -> None:
        """Note a confirmed acknowledgement."""
        self._answer("ack")

    async def nack(self, delay: float) -> None:
        """Note a pause."""
        self._answer(delay)


class FakeQueue:
    """A queue that notes what is buried."""

    def __init__(self) -> None:
        self.buried: list[tuple[bytes, str]] = []

    async def bury(self, subject: str, body: bytes, *, message_id: str, error: str) -> None:
        """Note a dead letter."""
        assert error
        assert subject == "work.upload"
        self.buried.append((body, message_id))


async def delivered(
    message: FakeMessage,
    error: Exception | None = None,
    *,
    failures: FailureCounts | None = None,
    for_ever: bool = False,
    outcomes: list[Delivered] | None = None,
) -> tuple[list[object], list[tuple[bytes, str]], list[UUID]]:
    queue, given_up = FakeQueue(), list[UUID]()

    async def do(run_id: UUID, delivery: int) -> None:
        assert (run_id, delivery) == (RUN_ID, message.raw_message.metadata.num_delivered)
        if error:
            raise error

    async def give_up(run_id: UUID, _: str) -> None:
        given_up.append(run_id)

    outcome = await deliver(
        Delivery(cast("Any", message)),
        do,
        on_give_up=None if for_ever else give_up,
        queue=cast("WorkQueue", queue),
        failures=failures or FailureCounts(),
    )
    if outcomes is not None:
        outcomes.append(outcome)
    return message.answers, queue.buried, given_up


@pytest.mark.parametrize(
    ("error", "delivery", "answers"),
    [
        (None, 1, ["ack"]),
        (RetryLater(2.5), 1, [2.5]),
        (Superseded(), 1, []),
        (LogUnavailable(), 1, [1.0]),
        (LogUnavailable(), 3, [4.0]),
        (LogUnavailable(), 50, [30.0]),
        (Unanswered(), 3, [4.0]),
        (TimeoutError(), 3, [4.0]),
        (ConnectionResetError(), 3, [4.0]),
        (ValueError(), 1, [1.0]),
        (ValueError(), 50, [1.0]),
    ],
)
async def test_each_end_has_its_answer(
    error: Exception | None, delivery: int, answers: list[object]
) -> None:
    assert await delivered(FakeMessage(delivery=delivery), error) == (answers, [], [])


@pytest.mark.parametrize(
    ("error", "body", "outcome"),
    [
        (None, f'"{RUN_ID}"', Delivered.DONE),
        (RetryLater(1), f'"{RUN_ID}"', Delivered.LATER),
        (Superseded(), f'"{RUN_ID}"', Delivered.SUPERSEDED),
        (LogUnavailable(), f'"{RUN_ID}"', Delivered.POSTPONED),
        (ValueError(), f'"{RUN_ID}"', Delivered.BROKEN),
        (None, "garbage", Delivered.BURIED),
    ],
)
async def test_each_end_is_counted_as_what_it_is(
    error: Exception | None, body: str, outcome: Delivered
) -> None:
    outcomes: list[Delivered] = []
    await delivered(FakeMessage(body.encode()), error, outcomes=outcomes)
    assert outcomes == [outcome]


async def test_work_that_breaks_the_worker_again_and_again_is_given_up_and_kept() -> None:
    message, failures = FakeMessage(), FailureCounts()
    for _ in range(TRIES - 1):
        assert (await delivered(message, ValueError(), failures=failures))[1:] == ([], [])
    pauses, message.answers = message.answers, []
    buried = [(message.body, "WORK:upload:7")]

    outcomes: list[Delivered] = []
    last = await delivered(message, ValueError(), failures=failures, outcomes=outcomes)

    assert outcomes == [Delivered.BURIED]
    assert (pauses, last) == ([1, 2, 4, 8, 16, 30, 30], (["ack"], buried, [RUN_ID]))


async def test_work_that_was_postponed_often_has_not_failed_once() -> None:
    """It waited for a drained machine; then something breaks for the first time."""
    failures = FailureCounts()
    for number in range(1, 4 * TRIES):
        await delivered(FakeMessage(delivery=number), RetryLater(2), failures=failures)

    broken = await delivered(FakeMessage(delivery=4 * TRIES), ValueError(), failures=failures)

    assert broken == ([1.0], [], [])


async def test_what_was_promised_is_tried_for_ever() -> None:
    message, failures = FakeMessage(), FailureCounts()
    for _ in range(3 * TRIES):
        await delivered(message, ValueError(), failures=failures, for_ever=True)

    assert message.answers[-1] == 30.0
    assert "ack" not in message.answers


@pytest.mark.parametrize("body", [b"", b"garbage", b'"no id"', b"{}"])
async def test_garbage_is_kept_as_a_dead_letter(body: bytes) -> None:
    answers, buried, given_up = await delivered(FakeMessage(body))
    assert (answers, [b for b, _ in buried], given_up) == (["ack"], [body], [])


@pytest.mark.parametrize("error", [None, RetryLater(1), LogUnavailable(), ValueError()])
async def test_an_answer_that_does_not_get_through_is_left_to_redelivery(
    error: Exception | None,
) -> None:
    message = FakeMessage()
    message.away = True
    assert await delivered(message, error) == ([], [], [])


def test_pauses_double_up_to_half_a_minute() -> None:
    assert [growing_delay(n) for n in (1, 2, 3, 5, 6, 2000)] == [1, 2, 4, 16, 30, 30]


async def test_work_in_hand_is_let_go_before_what_it_needs_is_closed() -> None:
    in_hand, ended = InHand(), list[str]()

    async def work(name: str, *, closing: float) -> None:
        with in_hand.held():
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(closing)
                ended.append(name)

    closings = {"a": 0.0, "b": 0.02}
    tasks = [asyncio.create_task(work(name, closing=s)) for name, s in closings.items()]
    await asyncio.sleep(0)
    await in_hand.let_go()

    assert ended == ["a", "b"]
    assert all(task.cancelled() for task in tasks)
    await in_hand.let_go()
