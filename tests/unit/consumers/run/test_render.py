"""A render through every kind of death: one submission for each attempt, and the right end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from typing_extensions import override

from consumers.delivery import RetryLater
from events.aggregates import RUN
from events.envelope import AnyRecorded
from events.errors import Superseded
from events.ids import prompt_id
from events.run.commands import RequestCancel
from events.run.status import Status
from infra.event_store import LogUnavailable, load
from infra.machine_driver import Failed, Lost, MachineRefused, Outcome, Report
from tests.builders.facts import NOW, RUN_ID, later, meta
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.machine import FakeMachine
from tests.fakes.rendering import Died, events_of, run_of, worker
from tests.fakes.worker_parts import WorkerParts, render, upload

FIRST = prompt_id(RUN_ID, 1)


class SlowStore(MemoryEventStore):
    """Takes a moment for each append, in which others get on."""

    @override
    async def append(self, events: Sequence[AnyRecorded], *, expected: int) -> list[AnyRecorded]:
        await asyncio.sleep(0.01)
        return await super().append(events, expected=expected)


class MortalStore(MemoryEventStore):
    """Dies at the append with that number, before or after it is stored."""

    def __init__(self, *, at: int = 0, stored: bool = False) -> None:
        super().__init__()
        self.countdown = at
        self._stored = stored
        self.away = False

    @override
    async def read(self, aggregate: str, *, after: int = 0) -> list[AnyRecorded]:
        if self.away:
            raise LogUnavailable("away")
        return await super().read(aggregate, after=after)

    @override
    async def append(self, events: Sequence[AnyRecorded], *, expected: int) -> list[AnyRecorded]:
        self.countdown -= 1
        if self.countdown == 0 and not self._stored:
            raise Died
        appended = await super().append(events, expected=expected)
        if self.countdown == 0:
            raise Died
        return appended


def next_life(tools: WorkerParts, life: int) -> WorkerParts:
    """Return a worker that comes when the one before had time enough to submit."""
    return replace(tools, now=lambda: later(5 * life))


@asynccontextmanager
async def false_alarm(_: str, __: str) -> AsyncIterator[asyncio.Event]:
    news = asyncio.Event()
    news.set()
    yield news


async def test_a_run_is_rendered_stored_and_succeeds() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    tools = await worker(store, machine)

    await render(RUN_ID, 1, tools)
    assert (await run_of(store)).status is Status.UPLOADING
    await upload(RUN_ID, 1, tools)

    assert (await run_of(store)).status is Status.SUCCESS
    assert machine.submitted == {FIRST: 1}


@pytest.mark.parametrize("stored", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 8))
async def test_a_death_at_any_append_is_made_good_by_the_next_worker(
    at: int,
    stored: bool,  # noqa: FBT001 -- drawn by the parametrisation
) -> None:
    store, machine = MortalStore(stored=stored), FakeMachine()
    tools = await worker(store, machine)
    store.countdown = at

    for life in range(2):
        for handler in (render, upload):
            with suppress(Died):
                await handler(RUN_ID, 1, next_life(tools, life))

    assert (await run_of(store)).status is Status.SUCCESS
    assert machine.submitted == {FIRST: 1}


@pytest.mark.parametrize(
    "step", ["check", "submit", "submitted", "watch", "running", "look_up", "open_output"]
)
async def test_a_death_at_any_step_on_the_machine_is_made_good_by_the_next_worker(
    step: str,
) -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    tools = await worker(store, machine)
    machine.breaks = {step: [Died()]}

    for life in range(3):
        for handler in (render, upload):
            with suppress(Died):
                await handler(RUN_ID, 1, next_life(tools, life))

    assert (await run_of(store)).status is Status.SUCCESS
    assert machine.submitted == {FIRST: 1}


async def test_two_workers_that_are_given_the_same_work_at_once_submit_once() -> None:
    store, machine = SlowStore(), FakeMachine()
    first = await worker(store, machine)
    second = replace(first, worker="worker:second")

    ends = await asyncio.gather(
        render(RUN_ID, 1, first), render(RUN_ID, 1, second), return_exceptions=True
    )

    assert [type(end) for end in ends if end] == [Superseded]
    assert machine.submitted == {FIRST: 1}
    assert [claim.reason for claim in await events_of(store, "claimed")] == ["deployment"]


@pytest.mark.parametrize(("age", "submitted"), [(3.9, {}), (4.1, {FIRST: 1})])
async def test_a_worker_that_has_just_claimed_a_run_is_left_time_to_submit(
    age: float, submitted: dict[UUID, int]
) -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    first = await worker(store, machine)
    machine.breaks = {"submit": [Died()]}
    with suppress(Died):
        await render(RUN_ID, 1, first)

    with suppress(RetryLater):
        await render(RUN_ID, 1, replace(first, now=lambda: later(age)))

    assert machine.submitted == submitted


async def test_what_a_machine_refuses_for_good_fails_the_run_at_once() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    machine.breaks = {"watch": [MachineRefused("machine_answer_invalid", "nested too deeply")]}

    await render(RUN_ID, 1, await worker(store, machine))

    run = await run_of(store)
    assert run.error is not None
    assert (run.status, run.attempt) == (Status.FAILED, 1)
    assert (run.error.code, run.error.message) == ("machine_answer_invalid", "nested too deeply")


async def test_what_a_node_says_when_it_fails_ends_the_run() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    tools = await worker(store, machine)
    machine.outcome = Failed(message="out of memory", node_id="1", node_class="KSampler")

    await render(RUN_ID, 1, tools)

    run = await run_of(store)
    assert run.status is Status.FAILED
    assert run.error is not None
    assert (run.error.code, run.error.node_id) == ("node_failed", "1")


async def test_a_machine_that_forgot_everything_is_given_the_next_attempt() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    tools = await worker(store, machine)
    machine.outcome = Lost()
    for attempt in (1, 2, 3):
        now = NOW + timedelta(seconds=10 * attempt)
        await render(RUN_ID, 1, await worker(store, machine, now=lambda now=now: now))

    run = await run_of(store)
    assert (run.status, run.attempt) == (Status.FAILED, 3)
    assert machine.submitted == {prompt_id(RUN_ID, n): 1 for n in (1, 2, 3)}
    assert tools.worker == "test"


class SlowMachine(FakeMachine):
    """Renders until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.rendering = asyncio.Event()
        self.let_go = asyncio.Event()

    @override
    async def watch(self, prompt_id: Any, graph: Any, report: Report) -> Outcome:
        await report.running()
        self.rendering.set()
        await self.let_go.wait()
        return self.outcome


async def test_an_outage_of_the_log_does_not_stop_a_render() -> None:
    store, machine = MortalStore(), SlowMachine()
    tools = await worker(store, machine, heard=false_alarm)
    store.away = False
    rendering = asyncio.create_task(render(RUN_ID, 1, tools))
    await machine.rendering.wait()
    store.away = True
    await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    store.away = False
    machine.let_go.set()
    await rendering

    assert machine.cancelled == []
    assert (await run_of(store)).status is Status.UPLOADING


async def test_a_cancellation_stops_exactly_this_prompt_and_ends_the_run() -> None:
    store, machine = MemoryEventStore(), SlowMachine()
    news = asyncio.Event()

    @asynccontextmanager
    async def heard(_: str, __: str) -> AsyncIterator[asyncio.Event]:
        yield news

    rendering = asyncio.create_task(render(RUN_ID, 1, await worker(store, machine, heard=heard)))
    await machine.rendering.wait()
    session = await load(store, RUN, RUN_ID)
    await session.execute(RequestCancel(by="ada", now=NOW), meta())
    news.set()
    await rendering

    assert machine.cancelled == [FIRST]
    assert (await run_of(store)).status is Status.CANCELLED


@pytest.mark.parametrize(("age", "renders"), [(9, 2), (11, 1)])
async def test_what_was_rendered_before_the_log_was_restored_is_not_rendered_again(
    age: float, renders: int
) -> None:
    """Of a run that was just accepted nobody asks the machine: it cannot know its prompt."""
    store, machine = MemoryEventStore(), FakeMachine()
    machine.submitted[FIRST] = 1  # after the backup was made
    tools = await worker(store, machine, now=lambda: NOW + timedelta(seconds=age))

    await render(RUN_ID, 1, tools)
    await upload(RUN_ID, 1, tools)

    assert (await run_of(store)).status is Status.SUCCESS
    assert machine.submitted == {FIRST: renders}
