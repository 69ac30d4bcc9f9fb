"""Runs of a machine that is drained or disabled: they wait, and what was claimed goes on."""

import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace

from consumers.delivery import RetryLater
from events.aggregates import MACHINE, RUN
from events.machine.decide import (
    ChangeMachine,
    DisableMachine,
    DrainMachine,
    MachineCommand,
    RemoveMachine,
    ResumeMachine,
)
from events.run.commands import ClaimRun
from events.run.state import Run
from events.run.status import Status
from infra.event_store import load
from infra.machine_driver import MachineUnreachable
from infra.sealing import Sealer
from tests.builders.facts import MACHINE_ID, NOW, RUN_ID, later, meta
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.machine import FakeMachine
from tests.fakes.rendering import worker
from tests.fakes.worker_parts import WorkerParts, render


class World:
    """A worker with a run that waits for a machine."""

    def __init__(self) -> None:
        self.store, self.machine = MemoryEventStore(), FakeMachine()
        self.tools: WorkerParts

    async def happens(self, command: MachineCommand) -> None:
        """Do something to the machine."""
        await (await load(self.store, MACHINE, MACHINE_ID)).execute(command, meta())

    async def run(self) -> Run:
        """Return the run."""
        state = (await load(self.store, RUN, RUN_ID)).state
        assert state is not None
        return state


@pytest.fixture
async def world() -> World:
    world = World()
    world.tools = await worker(world.store, world.machine)
    return world


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (DrainMachine(now=NOW), "machine_draining"),
        (DisableMachine(now=NOW), "machine_disabled"),
    ],
)
async def test_a_run_waits_as_long_as_it_takes_and_says_once_why(
    world: World, command: MachineCommand, reason: str
) -> None:
    await world.happens(command)
    for delivery in (1, 2, 1000):
        with pytest.raises(RetryLater):
            await render(RUN_ID, delivery, world.tools)
    run = await world.run()
    assert run.status is Status.NOT_STARTED
    assert run.waiting is not None
    assert (run.waiting.reason, run.waiting.machine_id) == (reason, MACHINE_ID)
    recorded = await world.store.read(RUN.name(RUN_ID))
    assert [one.type for one in recorded].count("run.waiting.v1") == 1
    assert not world.machine.submitted

    await world.happens(ResumeMachine(now=NOW))
    await render(RUN_ID, 1001, world.tools)
    assert (await world.run()).status is Status.UPLOADING


async def test_waiting_for_a_drained_machine_is_no_outage(world: World) -> None:
    await world.happens(DrainMachine(now=NOW))
    with pytest.raises(RetryLater):
        await render(RUN_ID, 1000, world.tools)
    await world.happens(ResumeMachine(now=NOW))
    world.machine.breaks = {"check": [MachineUnreachable("starting")]}
    with pytest.raises(RetryLater):
        await render(RUN_ID, 1001, world.tools)
    assert (await world.run()).status is Status.NOT_STARTED


async def test_a_run_that_was_claimed_before_is_finished(world: World) -> None:
    session = await load(world.store, RUN, RUN_ID)
    await session.execute(ClaimRun(machine_id=MACHINE_ID, worker="dead", now=NOW), meta())
    await world.happens(DrainMachine(now=NOW))
    await render(RUN_ID, 1, replace(world.tools, now=lambda: later(5)))
    assert (await world.run()).status is Status.UPLOADING


async def test_a_removed_machine_fails_its_runs(world: World) -> None:
    await world.happens(RemoveMachine(open_runs=1, force=True, now=NOW))
    await render(RUN_ID, 1, world.tools)
    run = await world.run()
    assert run.error is not None
    assert (run.status, run.error.code) == (Status.FAILED, "machine_missing")


async def test_a_token_that_cannot_be_read_fails_the_run_with_a_clear_code(world: World) -> None:
    foreign = Sealer(Fernet.generate_key().decode()).seal("secret")
    await world.happens(ChangeMachine(sealed_token=foreign, now=NOW))
    await render(RUN_ID, 1, world.tools)
    run = await world.run()
    assert run.error is not None
    assert (run.status, run.error.code) == (Status.FAILED, "machine_token_unreadable")
    assert foreign not in run.error.message
