"""A submission whose answer is lost: the machine is asked, and nothing is offered blindly."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from typing_extensions import override

from consumers.run.submit import SUBMISSIONS
from events.ids import prompt_id
from events.run.status import Status
from infra.machine_driver import Lost, OutcomeUnknown, PromptState
from tests.builders.facts import NOW, RUN_ID
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.machine import FakeMachine, worker_tools
from tests.fakes.object_storage import FakeObjectStorage
from tests.fakes.rendering import run_of, silence
from tests.fakes.worker_parts import WorkerParts, render

FIRST = prompt_id(RUN_ID, 1)


class ForgetfulMachine(FakeMachine):
    """Does not know a prompt at the first looks, as long as *unaware* says."""

    def __init__(self, *, unaware: int = 0) -> None:
        super().__init__()
        self.unaware = unaware
        self.offered: list[UUID] = []
        self.looks = 0

    @override
    async def submit(self, prompt_id: UUID, *args: Any, **kwargs: Any) -> None:
        self.offered.append(prompt_id)
        await super().submit(prompt_id, *args, **kwargs)

    @override
    async def look_up(self, prompt_id: UUID) -> PromptState:
        self.looks += 1
        return Lost() if self.looks <= self.unaware else await super().look_up(prompt_id)


class Pauses:
    """Notes how long a worker would have waited."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Wait no time."""
        self.seconds.append(seconds)


async def worker(store: MemoryEventStore, machine: FakeMachine, pause: Pauses) -> WorkerParts:
    storage = FakeObjectStorage()
    return await worker_tools(store, machine, storage, heard=silence, pause=pause)


async def test_a_prompt_that_was_taken_after_all_is_followed_and_not_offered_again() -> None:
    store, machine, pause = MemoryEventStore(), ForgetfulMachine(), Pauses()
    tools = await worker(store, machine, pause)
    machine.breaks = {"submitted": [OutcomeUnknown("no answer")]}

    await render(RUN_ID, 1, tools)

    assert (machine.offered, machine.looks, pause.seconds) == ([FIRST], 1, [])
    assert (await run_of(store)).status is Status.UPLOADING


async def test_a_machine_that_queues_late_is_asked_a_second_time() -> None:
    store, machine, pause = MemoryEventStore(), ForgetfulMachine(unaware=1), Pauses()
    tools = await worker(store, machine, pause)
    machine.breaks = {"submitted": [OutcomeUnknown("no answer")]}

    await render(RUN_ID, 1, tools)

    assert (machine.offered, machine.looks) == ([FIRST], 2)
    [waited] = pause.seconds
    assert 2 <= waited <= 6
    assert (await run_of(store)).status is Status.UPLOADING


async def test_a_prompt_the_machine_does_not_know_twice_is_offered_again_under_its_id() -> None:
    store, machine, pause = MemoryEventStore(), ForgetfulMachine(), Pauses()
    tools = await worker(store, machine, pause)
    machine.breaks = {"submit": [OutcomeUnknown("no answer")]}

    await render(RUN_ID, 1, tools)

    assert (machine.offered, machine.looks) == ([FIRST, FIRST], 2)
    assert machine.submitted == {FIRST: 1}
    run = await run_of(store)
    assert (run.status, run.attempt) == (Status.UPLOADING, 1)


async def test_a_machine_that_never_answers_is_offered_a_prompt_three_times_at_most() -> None:
    store, machine, pause = MemoryEventStore(), ForgetfulMachine(), Pauses()
    tools = await worker(store, machine, pause)
    machine.breaks = {"submit": [OutcomeUnknown("no answer") for _ in range(10)]}

    await render(RUN_ID, 1, tools)

    assert machine.offered == [FIRST] * SUBMISSIONS == [FIRST] * 3
    assert machine.looks == 6
    assert len(pause.seconds) == 3
    run = await run_of(store)
    assert (run.claimed, run.status, run.attempt) == (False, Status.QUEUED, 1)
    assert run.retry_due is not None
    assert NOW + timedelta(seconds=2) <= run.retry_due <= NOW + timedelta(seconds=6)
