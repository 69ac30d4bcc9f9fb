"""What is too large for the log fails the run, in few words."""

from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID

from msgspec.structs import replace
from typing_extensions import override

from events.envelope import AnyRecorded
from events.run.output import Output
from events.run.status import Status
from infra.event_store import TooLarge
from infra.jetstream.private_data import PrivateData
from infra.machine_driver import (
    Failed,
    Finished,
    GraphProblem,
    WorkflowRejected,
)
from tests.builders.facts import RUN_ID
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.machine import FakeMachine
from tests.fakes.private_data import FakePrivateData
from tests.fakes.rendering import run_of, worker
from tests.fakes.worker_parts import render


class Full(FakePrivateData):
    """Takes no texts."""

    @override
    async def put_texts(self, run_id: UUID, attempt: int, texts: Mapping[int, str]) -> None:
        raise TooLarge("texts")


class SmallLog(MemoryEventStore):
    """Takes no outputs whose names are long."""

    @override
    async def append(self, events: Sequence[AnyRecorded], *, expected: int) -> list[AnyRecorded]:
        if any(len(repr(recorded.event)) > 1_000_000 for recorded in events):
            raise TooLarge("names")
        return await super().append(events, expected=expected)


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
