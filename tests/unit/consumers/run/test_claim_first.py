"""A run is claimed before anything of it is put on its machine."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import cast

import msgspec
import pytest
from typing_extensions import override

from consumers.delivery import RetryLater
from events.aggregates import RUN
from events.errors import Superseded
from events.graph.externals.values import ImageRef
from events.ids import prompt_id
from events.run.commands import ClaimRun, CreateRun, RequestCancel
from events.run.status import Status
from infra.event_store import Session, load
from infra.jetstream.private_data import PrivateData
from infra.machine_driver import MachineUnreachable
from tests.builders.facts import MACHINE_ID, NOW, RUN_ID, created, later, meta
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.machine import FakeMachine, worker_tools
from tests.fakes.object_storage import FakeObjectStorage
from tests.fakes.private_data import FakePrivateData
from tests.fakes.rendering import Died, events_of, run_of, silence
from tests.fakes.worker_parts import WorkerParts, render, upload

FIRST = prompt_id(RUN_ID, 1)
KEY = "inputs/t/otter.png"
GRAPH = {
    "1": {"class_type": "ComfyUIDeployExternalImage", "inputs": {"input_id": "picture"}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
}
PICTURE = ImageRef(key=KEY, sha256="0" * 64, media_type="image/png", width=1, height=1)


class World:
    """A run with an image, a machine, and a clock that can be set."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.machine = WatchfulMachine(self)
        self.storage = FakeObjectStorage()
        self.now: datetime = NOW
        self.parts: WorkerParts

    async def set_up(self) -> None:
        """Accept the run."""
        private = FakePrivateData()
        accepted = created(has_inputs=True)
        await private.put_inputs(RUN_ID, accepted.request_hash, {"picture": PICTURE})
        await Session(self.store, RUN, RUN_ID).execute(CreateRun(created=accepted), meta())
        self.parts = await worker_tools(
            self.store,
            self.machine,
            self.storage,
            heard=silence,
            private=cast("PrivateData", private),
            now=lambda: self.now,
        )
        await self.storage.put_bytes(KEY, b"png", "image/png")
        graph = msgspec.json.encode(GRAPH)
        await self.storage.put_bytes("workflows/graph.json", graph, "application/json")


class WatchfulMachine(FakeMachine):
    """Notes how often the run was claimed when it gets an image, and takes some time for it."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.seconds = 0.0
        self.claims: list[int] = []
        self.cancelled_meanwhile = False
        self.taken_over = False

    @override
    async def upload_image(self, name: str, data: bytes) -> str:
        self.claims.append(len(await events_of(self._world.store, "claimed")))
        self._world.now += timedelta(seconds=self.seconds)
        session = await load(self._world.store, RUN, RUN_ID)
        if self.taken_over:
            claim = ClaimRun(machine_id=MACHINE_ID, worker="worker:other", now=self._world.now)
            await session.execute(claim, meta())
        if self.cancelled_meanwhile:
            await session.execute(RequestCancel(by="ada", now=self._world.now), meta())
        return await super().upload_image(name, data)


@pytest.fixture
async def world() -> World:
    world = World()
    await world.set_up()
    return world


async def test_an_image_is_put_on_the_machine_once_the_claim_is_in_the_log(world: World) -> None:
    await render(RUN_ID, 1, world.parts)
    await upload(RUN_ID, 1, world.parts)

    assert world.machine.claims == [1]
    assert world.machine.images == {"otter.png": b"png"}
    [claim] = await events_of(world.store, "claimed")
    assert world.machine.submitted == {claim.prompt_id: 1} == {FIRST: 1}
    assert (await run_of(world.store)).status is Status.SUCCESS


@pytest.mark.parametrize("step", ["upload_image", "image_uploaded", "submit"])
async def test_a_death_between_claim_and_submission_is_made_good_by_the_next_worker(
    world: World, step: str
) -> None:
    world.machine.breaks = {step: [Died()]}
    with suppress(Died):
        await render(RUN_ID, 1, world.parts)
    claimed = await run_of(world.store)
    assert (claimed.status, claimed.claimed, claimed.running_at) == (Status.QUEUED, True, None)
    assert not world.machine.submitted

    world.now = later(5)
    await render(RUN_ID, 2, world.parts)
    await upload(RUN_ID, 1, world.parts)

    run = await run_of(world.store)
    assert (run.status, run.attempt) == (Status.SUCCESS, 1)
    assert world.machine.submitted == {FIRST: 1}
    assert world.machine.images == {"otter.png": b"png"}
    claims = await events_of(world.store, "claimed")
    assert [(claim.reason, claim.prompt_id) for claim in claims] == [
        ("deployment", FIRST),
        ("takeover", FIRST),
    ]


@pytest.mark.parametrize(
    ("seconds", "reasons"), [(1.0, ["deployment"]), (60.0, ["deployment", "takeover"])]
)
async def test_a_claim_that_has_grown_old_over_large_images_is_renewed(
    world: World, seconds: float, reasons: list[str]
) -> None:
    world.machine.seconds = seconds

    await render(RUN_ID, 1, world.parts)

    assert [claim.reason for claim in await events_of(world.store, "claimed")] == reasons
    assert world.machine.submitted == {FIRST: 1}


async def test_a_worker_that_lost_the_run_over_large_images_submits_nothing(world: World) -> None:
    world.machine.seconds, world.machine.taken_over = 60.0, True

    with pytest.raises(Superseded):
        await render(RUN_ID, 1, world.parts)

    assert not world.machine.submitted


async def test_a_run_that_is_cancelled_while_its_images_are_put_in_place_is_not_submitted(
    world: World,
) -> None:
    world.machine.seconds, world.machine.cancelled_meanwhile = 60.0, True

    await render(RUN_ID, 1, world.parts)

    assert (await run_of(world.store)).status is Status.CANCELLED
    assert not world.machine.submitted


async def test_a_machine_that_does_not_answer_is_found_out_before_the_claim(world: World) -> None:
    world.machine.breaks = {"check": [MachineUnreachable("away")]}

    with pytest.raises(RetryLater):
        await render(RUN_ID, 1, world.parts)

    run = await run_of(world.store)
    assert (run.status, run.claimed) == (Status.NOT_STARTED, False)
    assert run.waiting is not None
    assert run.waiting.reason == "machine_unreachable"
    assert world.machine.images == {}
