"""Storing what a render left behind: once, all of it, or the attempt is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace
from typing_extensions import override

from consumers.delivery import RetryLater
from consumers.run.follow import LOOK_AGAIN
from consumers.run.outages import LONGEST_PAUSE
from events.aggregates import RUN
from events.ids import prompt_id
from events.run.commands import EraseRun, NoteWaiting, RequestCancel
from events.run.events import AttemptLost
from events.run.output import Output
from events.run.state import Run
from events.run.status import Status
from events.run.waiting import MAX_WAITS, WaitingReason
from infra.event_store import load
from infra.machine_driver import (
    Finished,
    MachineRefused,
    MachineUnreachable,
    Outcome,
    OutputMissing,
    OutputStream,
)
from tests.builders.facts import NOW, RUN_ID, image_output, meta
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.machine import FakeMachine, worker_tools
from tests.fakes.object_storage import FakeObjectStorage
from tests.fakes.rendering import silence
from tests.fakes.worker_parts import WorkerParts, render, upload


class World:
    """A run that was rendered, with its files on the machine."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.machine = FakeMachine()
        self.storage = FakeObjectStorage()

    async def tools(self, *, seconds: float = 0) -> WorkerParts:
        """Return a worker's tools, with its clock so far ahead."""
        now = NOW + timedelta(seconds=seconds)
        return await worker_tools(
            self.store, self.machine, self.storage, heard=silence, now=lambda: now
        )

    async def run(self) -> Run:
        """Read the run."""
        state = (await load(self.store, RUN, RUN_ID)).state
        assert state is not None
        return state

    @property
    def stored(self) -> dict[str, bytes]:
        """What is stored of the run, by name."""
        folder = f"outputs/runs/{RUN_ID}/"
        return {
            key.removeprefix(folder): found.content
            for key, found in self.storage.objects.items()
            if key.startswith(folder)
        }


@pytest.fixture
async def world() -> World:
    world = World()
    world.machine.outcome = Finished(
        outputs=(
            image_output(0, "a.png"),
            Output(index=1, node_id="9", kind="text", text="a lighthouse"),
            image_output(2, "b.png"),
        )
    )
    world.machine.files = {"a.png": b"first", "b.png": b"second"}
    await render(RUN_ID, 1, await world.tools())
    return world


async def test_every_file_is_stored_and_then_the_run_has_succeeded(world: World) -> None:
    await upload(RUN_ID, 1, await world.tools())

    run = await world.run()
    assert world.stored == {"a.png": b"first", "b.png": b"second"}
    assert (run.status, sorted(run.uploads)) == (Status.SUCCESS, [0, 2])


async def test_a_file_that_the_machine_no_longer_has_loses_the_attempt(world: World) -> None:
    world.machine.breaks = {"open_output": [OutputMissing("a.png")]}

    await upload(RUN_ID, 1, await world.tools())

    run = await world.run()
    lost = [e.event for e in world.store.log if isinstance(e.event, AttemptLost)]
    assert lost == [AttemptLost(attempt=1, reason="its outputs are gone: a.png", at=NOW)]
    assert (run.claimed, run.produced, run.outputs, run.uploads) == (False, False, (), {})
    assert run.retry_due is not None


async def test_a_run_whose_files_were_gone_is_rendered_again_and_succeeds(world: World) -> None:
    world.machine.breaks = {"open_output": [OutputMissing("a.png")]}
    await upload(RUN_ID, 1, await world.tools())

    for handler in (render, upload):
        await handler(RUN_ID, 1, await world.tools(seconds=10))

    run = await world.run()
    assert (run.status, run.attempt) == (Status.SUCCESS, 2)
    assert world.machine.submitted == {prompt_id(RUN_ID, n): 1 for n in (1, 2)}
    assert world.stored == {"a.png": b"first", "b.png": b"second"}


async def test_files_that_are_gone_every_time_fail_the_run_in_the_end(world: World) -> None:
    for attempt in (1, 2, 3):
        world.machine.breaks = {"open_output": [OutputMissing("a.png")]}
        await upload(RUN_ID, 1, await world.tools(seconds=10 * attempt))
        await render(RUN_ID, 1, await world.tools(seconds=10 * attempt + 7))

    run = await world.run()
    assert run.error is not None
    assert (run.status, run.attempt) == (Status.FAILED, 3)


async def test_what_is_stored_is_not_fetched_again(world: World) -> None:
    world.machine.breaks = {"open_output": [MachineUnreachable("away")]}
    with pytest.raises(RetryLater):
        await upload(RUN_ID, 1, await world.tools())
    assert world.stored == {"b.png": b"second"}
    world.machine.files = {"a.png": b"first"}

    await upload(RUN_ID, 2, await world.tools())

    assert (await world.run()).status is Status.SUCCESS


async def test_a_file_that_the_machine_will_never_hand_out_fails_the_run_at_once(
    world: World,
) -> None:
    refusal = MachineRefused("output_refused", "a..png: the machine answers 400")
    world.machine.breaks = {"open_output": [refusal]}

    await upload(RUN_ID, 1, await world.tools())

    run = await world.run()
    assert run.error is not None
    assert (run.status, run.attempt, run.retry_due) == (Status.FAILED, 1, None)
    assert run.error.code == "output_refused"
    assert run.error.message == "outputs were not stored: a..png: the machine answers 400"
    assert world.machine.submitted == {prompt_id(RUN_ID, 1): 1}


async def test_a_file_that_is_too_large_fails_the_run_at_once(world: World) -> None:
    tools = await world.tools()
    tools = replace(tools, settings=replace(tools.settings, output_bytes=5))

    await upload(RUN_ID, 1, tools)

    run = await world.run()
    assert run.error is not None
    assert (run.status, run.error.code) == (Status.FAILED, "output_too_large")
    assert world.stored == {"a.png": b"first"}, "five bytes are not too many"


class DrippingMachine(FakeMachine):
    """Hands files out and never comes to an end with them."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome
        self.opened = asyncio.Event()
        self.closed_files = 0

    @override
    @asynccontextmanager
    async def open_output(self, output: Output) -> AsyncIterator[OutputStream]:
        try:
            yield DrippingFile(self.opened)
        finally:
            self.closed_files += 1


class DrippingFile:
    media_type = "image/png"
    length: int | None = None

    def __init__(self, opened: asyncio.Event) -> None:
        self._opened = opened

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield a byte now and then, for ever."""
        while True:
            self._opened.set()
            yield b"a"
            await asyncio.sleep(2)


async def test_a_run_that_is_cancelled_stops_its_upload(world: World) -> None:
    world.machine = dripping = DrippingMachine(world.machine.outcome)
    news = asyncio.Event()

    @asynccontextmanager
    async def heard(_: str, __: str) -> AsyncIterator[asyncio.Event]:
        yield news

    storing = asyncio.create_task(upload(RUN_ID, 1, replace(await world.tools(), heard=heard)))
    async with asyncio.timeout(30):
        await dripping.opened.wait()
        session = await load(world.store, RUN, RUN_ID)
        await session.execute(RequestCancel(by="ada", now=NOW), meta())
        news.set()
        await storing

    assert (await world.run()).status is Status.CANCELLED
    assert dripping.closed_files == 2
    assert world.stored == {}


async def test_a_machine_that_stays_away_with_the_files_fails_the_run(world: World) -> None:
    world.machine.breaks = {"open_output": [MachineUnreachable("away")] * 6}
    for seconds in (0, 12):
        with pytest.raises(RetryLater):
            await upload(RUN_ID, 99, await world.tools(seconds=seconds))

    await upload(RUN_ID, 1, await world.tools(seconds=13))

    run = await world.run()
    assert run.error is not None
    assert (run.status, run.error.code) == (Status.FAILED, "machine_unreachable")


async def test_a_finished_render_waits_as_long_as_a_run_that_never_began_whatever_came_before(
    world: World,
) -> None:
    """After many outages no more are noted, and it still waits by the clock."""
    session = await load(world.store, RUN, RUN_ID)
    for number in range(MAX_WAITS):
        for reason in (WaitingReason.MACHINE_UNREACHABLE, ""):
            note = NoteWaiting(reason=reason, now=NOW + timedelta(seconds=number))
            await session.execute(note, meta(command_id=uuid4()))
    world.machine.breaks = {"open_output": [MachineUnreachable("away")] * 6}
    for delivery, seconds in ((1, MAX_WAITS), (99, MAX_WAITS + 11)):
        with pytest.raises(RetryLater) as postponed:
            await upload(RUN_ID, delivery, await world.tools(seconds=seconds))
        assert postponed.value.seconds <= LONGEST_PAUSE
    assert (await world.run()).status is Status.UPLOADING

    await upload(RUN_ID, 1, await world.tools(seconds=MAX_WAITS + 12))

    run = await world.run()
    assert run.error is not None
    assert (run.status, run.error.code) == (Status.FAILED, "machine_unreachable")


class ErasedMeanwhile(FakeMachine):
    """Somebody cancels and erases the run while its files are fetched."""

    def __init__(self, store: MemoryEventStore) -> None:
        super().__init__()
        self._store = store

    @override
    @asynccontextmanager
    async def open_output(self, output: Output) -> AsyncIterator[OutputStream]:
        session = await load(self._store, RUN, RUN_ID)
        await session.execute(RequestCancel(by="ada", now=NOW), meta())
        await session.execute(EraseRun(reason="request", by="ada", now=NOW), meta())
        async with super().open_output(output) as stream:
            yield stream


async def test_files_that_come_after_the_run_was_erased_are_not_kept(world: World) -> None:
    files = world.machine.files
    world.machine = ErasedMeanwhile(world.store)
    world.machine.files = files

    await upload(RUN_ID, 1, await world.tools())

    assert world.stored == {}
    assert (await world.run()).status is Status.CANCELLED


class Slow(FakeMachine):
    """Never comes to the end of a file."""

    @override
    @asynccontextmanager
    async def open_output(self, output: Output) -> AsyncIterator[OutputStream]:
        await asyncio.Event().wait()
        async with super().open_output(output) as stream:
            yield stream


async def test_a_cancellation_that_came_before_the_worker_listened_stops_it_at_once(
    world: World,
) -> None:
    @asynccontextmanager
    async def too_late(_: str, __: str) -> AsyncIterator[asyncio.Event]:
        session = await load(world.store, RUN, RUN_ID)
        await session.execute(RequestCancel(by="ada", now=NOW), meta())
        yield asyncio.Event()

    world.machine = Slow()

    async with asyncio.timeout(LOOK_AGAIN / 2):
        await upload(RUN_ID, 1, replace(await world.tools(), heard=too_late))

    assert (await world.run()).status is Status.CANCELLED


async def test_files_of_a_worker_that_died_before_it_saw_the_erasure_are_deleted(
    world: World,
) -> None:
    session = await load(world.store, RUN, RUN_ID)
    await session.execute(RequestCancel(by="ada", now=NOW), meta())
    await session.execute(EraseRun(reason="request", by="ada", now=NOW), meta())
    await world.storage.put_bytes(f"outputs/runs/{RUN_ID}/late.png", b"late", "image/png")

    tools = await world.tools()
    world.storage.down = True
    with pytest.raises(RetryLater):
        await upload(RUN_ID, 2, tools)
    world.storage.down = False
    await upload(RUN_ID, 3, tools)

    assert world.stored == {}


async def test_there_is_nothing_to_store_of_a_run_that_is_unknown_or_has_ended(
    world: World,
) -> None:
    await upload(RUN_ID, 1, await world.tools())
    before = list(world.store.log)

    await upload(RUN_ID, 1, await world.tools())
    await upload(UUID(int=9), 1, await world.tools())

    assert world.store.log == before
