"""What a worker writes down while it renders: waits, reasons, times and texts."""

from functools import partial
from uuid import UUID

import pytest
from typing_extensions import override

from events.aggregates import RUN
from events.ids import prompt_id
from events.run.commands import ConfirmCancel, EraseRun, RequestCancel
from events.run.events import NodeTime
from events.run.output import Output
from events.run.status import Status
from infra.event_store import load
from infra.machine_driver import (
    Finished,
    Graph,
    Lost,
    Outcome,
    OutcomeUnknown,
    Report,
)
from tests.builders.facts import NOW, RUN_ID, later, meta
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.machine import FakeMachine
from tests.fakes.rendering import Died, events_of, run_of, worker
from tests.fakes.worker_parts import render

FIRST = prompt_id(RUN_ID, 1)


class ErasedMeanwhile(FakeMachine):
    """Somebody cancels and erases the run in the moment before it has rendered."""

    def __init__(self, store: MemoryEventStore) -> None:
        super().__init__()
        self._store = store

    @override
    async def watch(self, prompt_id: UUID, graph: Graph, report: Report) -> Outcome:
        session = await load(self._store, RUN, RUN_ID)
        await session.execute(RequestCancel(by="ada", now=NOW), meta())
        await session.execute(ConfirmCancel(now=NOW), meta())
        await session.execute(EraseRun(reason="request", by="ada", now=NOW), meta())
        return self.outcome


async def test_what_the_machine_said_when_it_took_nothing_is_recorded() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    machine.breaks = {"submit": [OutcomeUnknown("503: out to lunch")] * 3}

    await render(RUN_ID, 1, await worker(store, machine))

    (lost,) = await events_of(store, "attempt_lost")
    assert lost.reason == "the machine took nothing: 503: out to lunch"


async def test_why_a_run_was_claimed_is_recorded() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    machine.breaks = {"watch": [Died()], "look_up": []}
    with pytest.raises(Died):
        await render(RUN_ID, 1, await worker(store, machine))
    machine.outcome = Lost()
    await render(RUN_ID, 2, await worker(store, machine))
    await render(RUN_ID, 1, await worker(store, machine, now=partial(later, 3)))

    claims = await events_of(store, "claimed")
    assert [(c.attempt, c.reason) for c in claims] == [
        (1, "deployment"),
        (1, "takeover"),
        (2, "retry"),
    ]


async def test_texts_and_the_times_of_nodes_are_recorded_the_texts_beside_the_log() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    nodes = (NodeTime(node_id="1", class_type="SaveText", seconds=1.5),)
    text = Output(index=0, node_id="1", kind="text", text="a moonlit otter")
    machine.outcome = Finished(outputs=(text,), nodes=nodes)
    tools = await worker(store, machine)

    await render(RUN_ID, 1, tools)

    (produced,) = await events_of(store, "outputs_produced")
    assert produced.outputs == (Output(index=0, node_id="1", kind="text", length=15),)
    assert produced.nodes == nodes
    assert await tools.private.get_texts(RUN_ID, 1) == {0: "a moonlit otter"}
    assert (await run_of(store)).status is Status.SUCCESS


async def test_texts_of_a_run_that_was_erased_meanwhile_are_not_kept() -> None:
    store = MemoryEventStore()
    machine = ErasedMeanwhile(store)
    tools = await worker(store, machine)
    machine.outcome = Finished(outputs=(Output(index=0, node_id="1", kind="text", text="otter"),))

    await render(RUN_ID, 1, tools)

    assert await tools.private.get_texts(RUN_ID, 1) == {}
    assert (await run_of(store)).erased_at is not None


async def test_texts_of_a_worker_that_died_before_it_saw_the_erasure_are_deleted() -> None:
    store = MemoryEventStore()
    machine = ErasedMeanwhile(store)
    tools = await worker(store, machine)
    machine.outcome = Finished(outputs=(Output(index=0, node_id="1", kind="text", text="otter"),))
    await render(RUN_ID, 1, tools)
    await tools.private.put_texts(RUN_ID, 1, {0: "otter"})

    await render(RUN_ID, 2, tools)

    assert await tools.private.get_texts(RUN_ID, 1) == {}
