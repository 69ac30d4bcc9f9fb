"""What a worker writes down while it renders: waits, reasons, times and texts."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast
from uuid import UUID

import pytest
from msgspec.structs import replace
from typing_extensions import override

from consumers import follow
from consumers.delivery import Later
from consumers.render import render
from consumers.tools import Tools
from events.decider import RUN
from events.envelope import AnyRecorded
from events.identity import prompt_id
from events.output import Output
from events.run import Run
from events.run_commands import ConfirmCancel, EraseRun, RequestCancel
from events.run_events import NodeTime
from events.status import Status
from infra.event_store import TooLarge, load
from infra.machine import (
    Failed,
    Finished,
    Graph,
    GraphProblem,
    Lost,
    MachineUnreachable,
    Outcome,
    OutcomeUnknown,
    Report,
    Running,
    WorkflowRejected,
)
from infra.private_data import PrivateData
from tests.builders import NOW, RUN_ID, later, meta
from tests.fake_machine import FakeMachine, worker_tools
from tests.fake_object_storage import FakeObjectStorage
from tests.fake_private_data import FakePrivateData
from tests.memory_event_store import MemoryEventStore

FIRST = prompt_id(RUN_ID, 1)


class Died(Exception):
    """The process ends here."""


class SilentMachine(FakeMachine):
    """Does not answer for a while in the middle of a render."""

    @override
    async def watch(self, prompt_id: UUID, graph: Graph, report: Report) -> Outcome:
        await report.running()
        await report.unreachable("connection refused")
        await report.unreachable("connection refused")
        await report.reachable()
        return self.outcome


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


class Full(FakePrivateData):
    """Takes no texts."""

    @override
    async def put_texts(self, run_id: UUID, attempt: int, texts: Mapping[int, str]) -> None:
        raise TooLarge("texts")


@asynccontextmanager
async def silence(_: str, __: str) -> AsyncIterator[asyncio.Event]:
    yield asyncio.Event()


async def worker(store: MemoryEventStore, machine: FakeMachine, **changes: Any) -> Tools:
    return await worker_tools(store, machine, FakeObjectStorage(), **({"heard": silence} | changes))


async def run_of(store: MemoryEventStore) -> Run:
    state = (await load(store, RUN, RUN_ID)).state
    assert state is not None
    return state


async def events_of(store: MemoryEventStore, kind: str) -> list[Any]:
    recorded = await store.read(RUN.name(RUN_ID))
    return [entry.event for entry in recorded if entry.type == f"run.{kind}.v1"]


async def test_how_often_a_run_is_delivered_says_nothing_of_how_long_it_waited() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    tools = await worker(store, machine)
    machine.breaks = {"check": [MachineUnreachable("away")] * 9}

    for delivery in range(1, 1000, 120):
        with pytest.raises(Later):
            await render(RUN_ID, delivery, tools)

    assert len(await events_of(store, "waiting")) == 1


async def test_a_machine_that_is_silent_while_it_renders_is_noted_and_so_is_its_return() -> None:
    store, machine = MemoryEventStore(), SilentMachine()

    await render(RUN_ID, 1, await worker(store, machine))

    noted = [e.reason for e in await events_of(store, "waiting")]
    assert noted == ["machine_unreachable", ""]
    assert (await run_of(store)).status is Status.UPLOADING


async def limited(store: MemoryEventStore, machine: FakeMachine, **changes: Any) -> Tools:
    """Give a worker that lets runs render for 100 s, and wait behind others for 1,000."""
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


async def test_a_proxy_that_answers_for_a_machine_that_is_down_loses_no_attempt() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    machine.breaks = {
        "submit": [OutcomeUnknown("502: bad gateway")],
        "look_up": [MachineUnreachable("502: bad gateway")] * 3,
    }
    for seconds in (0, 4, 8):
        with pytest.raises(Later):
            await render(RUN_ID, 1, await worker(store, machine, now=partial(later, seconds)))

    await render(RUN_ID, 1, await worker(store, machine, now=partial(later, 11)))

    run = await run_of(store)
    assert (run.status, run.attempt) == (Status.UPLOADING, 1)
    assert machine.submitted == {FIRST: 1}


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


async def test_a_message_of_megabytes_fails_the_run_in_few_words() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    machine.outcome = Failed(message="x" * 3_000_000, node_id="1", node_class="y" * 3_000_000)

    await render(RUN_ID, 1, await worker(store, machine))

    run = await run_of(store)
    assert run.error is not None
    assert (run.status, run.error.code, run.error.node_id) == (Status.FAILED, "node_failed", "1")
    assert run.error.message == "x" * 4000 + "… (3000000 characters)"
    assert run.error.node_class == "y" * 200


async def test_a_refusal_with_thousands_of_reasons_is_told_in_few_words() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    problem = GraphProblem(code="bad_value", message="x" * 1000, input_name="y" * 1000)
    machine.breaks = {"check": [WorkflowRejected([problem] * 5000)]}

    await render(RUN_ID, 1, await worker(store, machine))

    run = await run_of(store)
    assert run.error is not None
    assert (run.status, run.error.code) == (Status.FAILED, "bad_value")
    assert (len(run.error.message), len(run.error.input_name)) == (4022, 200)


class SmallLog(MemoryEventStore):
    """Takes no outputs whose names are long."""

    @override
    async def append(self, events: Sequence[AnyRecorded], *, expected: int) -> list[AnyRecorded]:
        if any(len(repr(recorded.event)) > 1_000_000 for recorded in events):
            raise TooLarge("names")
        return await super().append(events, expected=expected)


async def test_files_with_names_that_nothing_can_hold_fail_the_run() -> None:
    store, machine = SmallLog(), FakeMachine()
    file = Output(index=0, node_id="1", kind="images", filename="x" * 3_000_000, name="x")
    machine.outcome = Finished(outputs=(file,))

    await render(RUN_ID, 1, await worker(store, machine))

    run = await run_of(store)
    assert run.error is not None
    assert (run.status, run.error.code) == (Status.FAILED, "too_many_outputs")


async def test_texts_that_nothing_can_hold_fail_the_run() -> None:
    store, machine = MemoryEventStore(), FakeMachine()
    tools = await worker(store, machine)
    machine.outcome = Finished(outputs=(Output(index=0, node_id="1", kind="text", text="\x01"),))
    tools = replace(tools, private=cast("PrivateData", Full()))

    await render(RUN_ID, 1, tools)

    run = await run_of(store)
    assert run.error is not None
    assert (run.status, run.error.code) == (Status.FAILED, "too_many_outputs")
