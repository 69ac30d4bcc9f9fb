"""How long a run may render, and how long it may wait in the queue of its machine."""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from typing_extensions import override

from consumers.run import follow
from events.ids import prompt_id
from events.run.status import Status
from infra.machine_driver import (
    Graph,
    Lost,
    Outcome,
    Report,
    Running,
)
from tests.builders.facts import RUN_ID, later
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.machine import FakeMachine
from tests.fakes.rendering import Died, run_of, worker
from tests.fakes.worker_parts import WorkerParts, render

FIRST = prompt_id(RUN_ID, 1)


class EndlessMachine(FakeMachine):
    """Renders for ever, or lets others go first for ever."""

    def __init__(self, *, begins: bool = True) -> None:
        super().__init__()
        self._begins = begins

    @override
    async def watch(self, prompt_id: UUID, graph: Graph, report: Report) -> Outcome:
        if self._begins:
            await report.running()
        self._step("watch")
        await asyncio.Event().wait()
        raise AssertionError

    @override
    async def look_up(self, prompt_id: UUID) -> Running:
        return Running()


async def limited(store: MemoryEventStore, machine: FakeMachine, **changes: Any) -> WorkerParts:
    """Return a worker that lets runs render for 100 s, and wait behind others for 1,000."""
    tools = await worker(store, machine, **changes)
    limits = replace(tools.settings, run_timeout=100, queue_timeout=1000)
    return replace(tools, settings=limits)


@pytest.mark.parametrize(
    ("begins", "too_late", "code", "told"),
    [
        (True, 100, "run_timeout", "it began, but was not finished within 100 s"),
        (False, 1000, "queue_timeout", "it never began: for 1000 s other prompts"),
    ],
    ids=["it began", "it never began"],
)
async def test_a_run_has_a_time_for_rendering_and_another_for_waiting_behind_others(
    monkeypatch: pytest.MonkeyPatch,
    begins: bool,  # noqa: FBT001 -- drawn by the parametrisation
    too_late: int,
    code: str,
    told: str,
) -> None:
    monkeypatch.setattr(follow, "LAST_LOOK", 0.05)
    store, machine = MemoryEventStore(), EndlessMachine(begins=begins)
    machine.breaks = {"watch": [Died()]}
    with pytest.raises(Died):
        await render(RUN_ID, 1, await limited(store, machine))

    # Another worker takes it over, and there is time left.
    in_time = await limited(store, machine, now=partial(later, too_late - 50))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await render(RUN_ID, 2, in_time)
    async with asyncio.timeout(30):
        await render(RUN_ID, 3, await limited(store, machine, now=partial(later, too_late)))

    run = await run_of(store)
    assert run.error is not None
    assert (run.status, run.error.code) == (Status.TIMEOUT, code)
    assert run.error.message.startswith(told)
    assert machine.cancelled == [FIRST]


async def test_the_time_of_an_attempt_that_was_lost_does_not_count_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(follow, "LAST_LOOK", 0.05)
    store, lossy = MemoryEventStore(), FakeMachine()
    lossy.outcome = Lost()
    await render(RUN_ID, 1, await limited(store, lossy))

    late = await limited(store, EndlessMachine(), now=partial(later, 150))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await render(RUN_ID, 1, late)

    run = await run_of(store)
    assert (run.status, run.attempt, run.claimed) == (Status.RUNNING, 2, True)
