"""Looks at machines: recorded when something changed, and never while nobody answers."""

import asyncio
import hashlib
from contextlib import nullcontext
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
import pytest
from msgspec.structs import replace
from typing_extensions import override

import consumers.machines.observe as observe_module
from consumers.delivery import RetryLater
from consumers.machines.observe import RESERVE, TRIES
from consumers.worker import OBSERVERS
from events.aggregates import MACHINE
from events.machine.decide import (
    ChangeMachine,
    DisableMachine,
    DrainMachine,
    MachineCommand,
    RemoveMachine,
)
from events.machine.state import Machine
from infra.event_store import load
from infra.jetstream.work.queue import WorkQueue
from infra.machine_driver import MachineRefused, MachineUnreachable, Observed
from infra.telemetry.worker_metrics import Look
from tests.builders.facts import MACHINE_ID, NOW, later, meta
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.machine import OBSERVED, FakeMachine, worker_tools
from tests.fakes.object_storage import FakeObjectStorage
from tests.fakes.rendering import silence
from tests.fakes.worker_parts import WorkerParts, observe


class FakeQueue:
    """Notes which machines were let go, unless runs wait for them."""

    def __init__(self) -> None:
        self.gone: list[UUID] = []
        self.runs_wait = False

    async def let_go(self, machine_id: UUID) -> bool:
        """Note a machine."""
        self.gone += [] if self.runs_wait else [machine_id]
        return not self.runs_wait


class World:
    """A worker with a registered machine."""

    def __init__(self) -> None:
        self.store, self.machine = MemoryEventStore(), FakeMachine()
        self.storage, self.queue = FakeObjectStorage(), FakeQueue()
        self.looks: list[Look] = []
        self.tools: WorkerParts

    async def look(self, delivery: int = TRIES) -> Machine:
        """Look at the machine; give what is known of it then."""
        queue = cast("WorkQueue", self.queue)
        await observe(MACHINE_ID, delivery, parts=self.tools, queue=queue, looked=self.looks.append)
        state = (await load(self.store, MACHINE, MACHINE_ID)).state
        assert state is not None
        return state

    async def happens(self, command: MachineCommand) -> None:
        """Record it."""
        session = await load(self.store, MACHINE, MACHINE_ID)
        await session.execute(command, meta())

    async def events(self) -> int:
        """Count what has happened to the machine."""
        return len(await self.store.read(MACHINE.name(MACHINE_ID)))


@pytest.fixture
async def world() -> World:
    world = World()
    world.tools = await worker_tools(world.store, world.machine, world.storage, heard=silence)
    return world


async def test_what_is_found_is_recorded_and_its_description_stored(world: World) -> None:
    snapshot = (await world.look()).snapshot
    assert snapshot is not None
    stored = await world.storage.get_bytes(snapshot.object_info_key)
    assert msgspec.json.decode(stored) == OBSERVED.node_classes
    assert snapshot.object_info_sha256 == hashlib.sha256(stored).hexdigest()
    assert (snapshot.comfyui_version, snapshot.node_classes, snapshot.at) == ("0.33.0", 1, NOW)
    assert snapshot.models == {"checkpoints": ("a.safetensors",)}


async def test_the_same_again_adds_nothing(world: World) -> None:
    await world.look()
    before = await world.events()
    await world.look()
    assert await world.events() == before


@pytest.mark.parametrize(
    "change",
    [
        {"comfyui_version": "0.34.0"},
        {"models": {"checkpoints": []}},
        {"node_classes": {}},
    ],
    ids=["version", "models", "nodes"],
)
async def test_what_changed_is_recorded(world: World, change: dict[str, Any]) -> None:
    await world.look()
    before = await world.events()
    world.machine.observed = replace(OBSERVED, **change)
    await world.look()
    assert await world.events() == before + 1


async def test_what_was_found_where_the_machine_no_longer_is_is_not_recorded(world: World) -> None:
    class MovedMeanwhile(FakeMachine):
        @override
        async def observe(self) -> Observed:
            await world.happens(ChangeMachine(url="http://new.example:8188", now=NOW))
            return await super().observe()

    machine = MovedMeanwhile()
    world.tools = await worker_tools(world.store, machine, world.storage, heard=silence)

    assert (await world.look()).snapshot is None


async def test_there_is_room_left_for_removing_a_machine_that_always_changes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observe_module, "MAX_EVENTS_PER_AGGREGATE", RESERVE + 3)
    for number in range(9):
        world.machine.observed = replace(OBSERVED, comfyui_version=f"0.{number}.0")
        await world.look()

    assert await world.events() == 3


async def test_a_machine_that_does_not_answer_stays_as_it_is_known(world: World) -> None:
    known = await world.look()
    world.machine.breaks = {"observe": [MachineUnreachable("away")] * 2}
    with pytest.raises(RetryLater):
        await world.look(delivery=1)
    assert await world.look(delivery=TRIES) == known
    assert world.looks == [Look.SEEN, Look.UNREACHABLE, Look.UNREACHABLE]


@pytest.mark.parametrize(("age", "again"), [(119, True), (121, False)])
async def test_a_new_machine_that_is_still_starting_is_looked_at_until_it_was_seen(
    world: World,
    age: float,
    again: bool,  # noqa: FBT001 -- drawn by the parametrisation
) -> None:
    world.tools = replace(world.tools, now=lambda: later(age))
    world.machine.breaks = {"observe": [MachineUnreachable("it is starting")]}
    with pytest.raises(RetryLater) if again else nullcontext():
        await world.look(delivery=TRIES)

    assert (await world.look(delivery=TRIES + 1)).snapshot is not None
    world.machine.breaks = {"observe": [MachineUnreachable("away")]}
    await world.look(delivery=TRIES)


async def test_a_draining_machine_is_looked_at_and_a_disabled_one_is_not(world: World) -> None:
    await world.happens(DrainMachine(now=NOW))
    assert (await world.look()).snapshot is not None
    await world.happens(DisableMachine(now=NOW))
    world.machine.breaks = {"observe": [AssertionError("nobody should ask")]}
    await world.look()
    assert world.machine.breaks["observe"]


async def test_a_removed_machine_is_let_go(world: World) -> None:
    await world.happens(RemoveMachine(open_runs=0, force=False, now=NOW))
    world.queue.runs_wait = True
    with pytest.raises(RetryLater):
        await world.look(delivery=1)
    await world.look(delivery=TRIES)
    assert world.queue.gone == []
    world.queue.runs_wait = False
    await world.look(delivery=1)
    assert world.queue.gone == [MACHINE_ID]


async def test_an_answer_that_nobody_can_use_is_a_finding_and_ends_the_look(world: World) -> None:
    before = await world.events()
    world.machine.breaks = {"observe": [MachineRefused("machine_answer_invalid", "endless")]}
    await world.look(delivery=1)
    assert world.looks == [Look.REFUSED]

    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"input": deep}
    world.machine.observed = replace(OBSERVED, node_classes={"Deep": deep})
    await world.look(delivery=1)

    assert await world.events() == before


async def test_an_owner_of_many_slow_machines_leaves_room_for_looks_at_those_of_others(
    world: World,
) -> None:
    bulkhead = world.tools.look_bulkhead

    async def hold(owner: str) -> None:
        async with bulkhead.slot(uuid4(), owner, 1):
            await asyncio.Event().wait()

    slow = [asyncio.create_task(hold("eve")) for _ in range(OBSERVERS)]
    await asyncio.sleep(0)
    waiting = [task for task in slow if not task.done()]
    assert len(waiting) < OBSERVERS, "some were sent away"
    async with asyncio.timeout(30):
        assert (await world.look()).snapshot is not None

    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
