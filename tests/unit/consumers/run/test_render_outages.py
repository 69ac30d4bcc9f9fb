"""A machine or a storage that is away: runs wait for it, and lose no attempt that was not sent."""

from contextlib import suppress
from functools import partial
from uuid import UUID

import pytest
from msgspec.structs import replace
from typing_extensions import override

from consumers.delivery import RetryLater
from events.ids import prompt_id
from events.run.status import Status
from infra.machine_driver import (
    Graph,
    MachineUnreachable,
    Outcome,
    OutcomeUnknown,
    Report,
)
from tests.builders.facts import NOW, RUN_ID, later
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.machine import FakeMachine, worker_tools
from tests.fakes.object_storage import FakeObjectStorage
from tests.fakes.rendering import Died, events_of, run_of, silence, worker
from tests.fakes.worker_parts import render, upload

FIRST = prompt_id(RUN_ID, 1)
WAIT = 12
"""COMFYD_MACHINE_WAIT of these workers, in seconds."""


class SilentMachine(FakeMachine):
    """Does not answer for a while in the middle of a render."""

    @override
    async def watch(self, prompt_id: UUID, graph: Graph, report: Report) -> Outcome:
        await report.running()
        await report.unreachable("connection refused")
        await report.unreachable("connection refused")
        await report.reachable()
        return self.outcome


@pytest.mark.parametrize("step", ["look_up"])
async def test_a_machine_that_does_not_answer_the_next_worker_keeps_its_attempt(step: str) -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    tools = await worker(store, machine)
    machine.breaks = {"watch": [Died()]}
    with pytest.raises(Died):
        await render(RUN_ID, 1, tools)
    machine.breaks = {step: [MachineUnreachable("away")]}

    with pytest.raises(RetryLater):
        await render(RUN_ID, 1, tools)
    await render(RUN_ID, 2, tools)
    await upload(RUN_ID, 1, tools)

    assert (await run_of(store)).status is Status.SUCCESS
    assert machine.submitted == {FIRST: 1}


async def test_a_machine_that_stays_away_loses_the_attempt_in_the_end() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    machine.breaks = {
        "watch": [MachineUnreachable("away")],
        "look_up": [MachineUnreachable("still away")] * 2,
    }
    for seconds in (0, WAIT):
        with pytest.raises(RetryLater):
            await render(RUN_ID, 1, await worker(store, machine, now=partial(later, seconds)))
    waiting = (await run_of(store)).waiting
    assert waiting is not None
    assert (waiting.reason, waiting.detail, waiting.since) == ("machine_unreachable", "away", NOW)

    await render(RUN_ID, 1, await worker(store, machine, now=partial(later, WAIT + 1)))

    run = await run_of(store)
    assert (run.claimed, run.retry_due) == (False, later(WAIT + 3))
    assert run.waiting is None
    with pytest.raises(RetryLater, match=r"2\.0 s"):
        await render(RUN_ID, 1, await worker(store, machine, now=partial(later, WAIT + 1)))


async def test_a_run_that_was_never_sent_waits_for_its_machine_and_loses_no_attempt() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    machine.breaks = {
        "submit": [MachineUnreachable("refused")],
        "look_up": [MachineUnreachable("refused")] * 4,
    }
    for seconds in (0, 3, 6, 9, WAIT):
        with pytest.raises(RetryLater):
            await render(RUN_ID, 1, await worker(store, machine, now=partial(later, seconds)))
        run = await run_of(store)
        assert run.waiting is not None
        assert (run.waiting.reason, run.waiting.since) == ("machine_unreachable", NOW)
    assert not machine.submitted

    await render(RUN_ID, 1, await worker(store, machine, now=partial(later, WAIT + 1)))

    run = await run_of(store)
    assert (run.status, run.attempt, run.waiting) == (Status.UPLOADING, 1, None)
    assert machine.submitted == {FIRST: 1}


async def test_a_machine_that_comes_back_too_late_is_told_as_what_it_was() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    machine.breaks = {
        "submit": [MachineUnreachable("refused")],
        "look_up": [MachineUnreachable("refused")],
    }
    with pytest.raises(RetryLater):
        await render(RUN_ID, 1, await worker(store, machine))

    await render(RUN_ID, 2, await worker(store, machine, now=partial(later, WAIT + 1)))

    run = await run_of(store)
    assert run.error is not None
    assert (run.status, run.attempt, run.error.code) == (Status.FAILED, 1, "machine_unreachable")
    assert not machine.submitted


async def test_a_machine_that_always_refuses_prompts_and_answers_else_is_given_up_in_the_end() -> (
    None
):
    store, machine = MemoryEventStore(), FakeMachine()
    tools = await worker(store, machine)
    machine.breaks = {"submit": [MachineUnreachable("the machine answers 401") for _ in range(99)]}

    for delivery in range(1, 60):
        with suppress(RetryLater):
            await render(RUN_ID, delivery, tools)

    run = await run_of(store)
    assert run.error is not None
    assert (run.status, run.attempt, run.error.code) == (Status.FAILED, 1, "machine_unreachable")
    assert run.error.message == "the machine answers 401"


async def test_how_often_a_run_is_delivered_says_nothing_of_how_long_it_waited() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    tools = await worker(store, machine)
    machine.breaks = {"check": [MachineUnreachable("away")] * 9}

    for delivery in range(1, 1000, 120):
        with pytest.raises(RetryLater):
            await render(RUN_ID, delivery, tools)

    assert len(await events_of(store, "waiting")) == 1


async def test_a_machine_that_is_silent_while_it_renders_is_noted_and_so_is_its_return() -> None:
    store, machine = MemoryEventStore(), SilentMachine()

    await render(RUN_ID, 1, await worker(store, machine))

    noted = [e.reason for e in await events_of(store, "waiting")]
    assert noted == ["machine_unreachable", ""]
    assert (await run_of(store)).status is Status.UPLOADING


async def test_a_proxy_that_answers_for_a_machine_that_is_down_loses_no_attempt() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    machine.breaks = {
        "submit": [OutcomeUnknown("502: bad gateway")],
        "look_up": [MachineUnreachable("502: bad gateway")] * 3,
    }
    for seconds in (0, 4, 8):
        with pytest.raises(RetryLater):
            await render(RUN_ID, 1, await worker(store, machine, now=partial(later, seconds)))

    await render(RUN_ID, 1, await worker(store, machine, now=partial(later, 11)))

    run = await run_of(store)
    assert (run.status, run.attempt) == (Status.UPLOADING, 1)
    assert machine.submitted == {FIRST: 1}


async def test_storage_that_is_away_postpones_an_upload_and_fails_it_in_the_end() -> None:
    store, machine, storage = MemoryEventStore(), FakeMachine(), FakeObjectStorage()
    tools = await worker_tools(store, machine, storage, heard=silence)
    await render(RUN_ID, 1, tools)
    storage.down = True

    with pytest.raises(RetryLater):
        await upload(RUN_ID, 1, tools)
    assert (await run_of(store)).status is Status.UPLOADING
    await upload(RUN_ID, 2, replace(tools, now=partial(later, WAIT + 1)))

    run = await run_of(store)
    assert run.error is not None
    assert (run.status, run.error.code) == (Status.FAILED, "storage_unreachable")
