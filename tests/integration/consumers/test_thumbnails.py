"""From the last fact of a run to its thumbnails, on the real log, the real queue and a real S3."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from io import BytesIO
from uuid import UUID, uuid4

import pytest
from PIL import Image

from consumers.bulkhead import Bounds, Bulkhead
from consumers.delivery import FailureCounts, deliver
from consumers.run.thumbnails import ThumbnailMaker
from consumers.worker import react_to_events
from events.aggregates import RUN
from events.run.commands import (
    ClaimRun,
    CreateRun,
    EraseRun,
    RecordOutputs,
    RecordUpload,
    SettleRun,
)
from events.run.events import output_uploaded
from events.run.output import Output
from infra.event_store import Session, load
from infra.images.thumbnails import draw_thumbnail
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.work.broker import Broker
from infra.jetstream.work.consumers import THUMBNAILS
from infra.jetstream.work.delivery import Delivery
from infra.jetstream.work.queue import WorkQueue
from infra.jetstream.work.reactor_durable import ReactorDurable
from infra.s3.keys import output_folder, output_key, thumbnail_key
from infra.s3.port import ObjectStorage
from infra.s3.storage import open_object_storage
from infra.settings.settings import settings_from
from tests.builders.facts import MACHINE_ID, NOW, SEAL_KEY, created, image_output, meta
from tests.builders.pictures import picture, png_of_size, saved
from tests.e2e.system import eventually

GOOD, CUT = saved("PNG", picture(800, 600)), saved("PNG", picture(800, 600))[:-9999]
BOMB = png_of_size(8000, 8000, rows=8000)
"""64 million pixels in 8 KiB: more than a thumbnail is drawn of."""

Draw = Callable[[AsyncIterator[bytes]], Awaitable[bytes]]


class World:
    """A log, a queue, a bucket, and a worker that makes thumbnails."""

    def __init__(self, client: Client, storage: ObjectStorage, nats_url: str) -> None:
        self.store, self.queue = JetStreamEventStore(client), WorkQueue(client)
        self.durable = ReactorDurable(client)
        self.storage = storage
        self.nats_url = nats_url
        self.draw: Draw = draw_thumbnail

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """Run a worker, as far as thumbnails go."""
        maker = ThumbnailMaker(
            store=self.store,
            storage=self.storage,
            bulkhead=Bulkhead(Bounds(slots=2, of_machine=2, of_tenant=2)),
            draw=self.draw,
        )
        broker = Broker(self.nats_url, name="test", graceful_timeout=1.0)
        react_to_events(broker, self.store, self.queue)
        failures = FailureCounts()

        async def on_work(message: Delivery) -> None:
            await deliver(message, maker.make, on_give_up=None, queue=self.queue, failures=failures)

        await self.durable.keep()
        await self.queue.serve(THUMBNAILS)
        broker.fetch(THUMBNAILS, on_work, at_once=2)
        await broker.start()
        try:
            yield
        finally:
            await broker.stop()

    async def run(self, *images: bytes) -> UUID:
        """Make a run that ends with these images."""
        run_id = uuid4()
        session = Session(self.store, RUN, run_id, tenant="user:ada")
        outputs = tuple(image_output(n, f"{n}.png") for n in range(len(images)))
        await session.execute(CreateRun(created=created(run_id=run_id)), meta())
        await session.execute(ClaimRun(machine_id=MACHINE_ID, worker="test", now=NOW), meta())
        await session.execute(RecordOutputs(attempt=1, outputs=outputs, now=NOW), meta())
        for output, image in zip(outputs, images, strict=True):
            await session.execute(await self._stored(run_id, output, image), meta())
        await session.execute(SettleRun(now=NOW), meta())
        return run_id

    async def _stored(self, run_id: UUID, output: Output, image: bytes) -> RecordUpload:
        async def chunks() -> AsyncIterator[bytes]:
            yield image

        stored = await self.storage.put_stream(
            output_key(run_id, output.name), chunks(), "image/png"
        )
        return RecordUpload(
            upload=output_uploaded(stored, output, attempt=1, upload_duration=0.1, at=NOW)
        )

    async def key(self, run_id: UUID, index: int = 0) -> str:
        """Return the key of a thumbnail."""
        run = (await load(self.store, RUN, run_id)).existing
        return thumbnail_key(run_id, run.uploads[index].sha256, side=384)

    async def idle(self) -> bool:
        """Whether no thumbnail is to be made."""
        return await self.queue.count(THUMBNAILS) == 0


@pytest.fixture
async def world(log_client: Client, server_env: Mapping[str, str]) -> AsyncIterator[World]:
    ours = {"JWT_SECRET": "x" * 32, "COMFYD_SEAL_KEYS": SEAL_KEY}
    async with open_object_storage(settings_from({**server_env, **ours}).spaces) as storage:
        yield World(log_client, storage, server_env["NATS_URL"])


async def test_the_last_fact_leads_to_a_thumbnail_of_each_image_that_can_be_read(
    world: World,
) -> None:
    async with world.worker():
        run_id = await world.run(CUT, BOMB, GOOD)
        cut, bomb, good = [await world.key(run_id, index) for index in range(3)]
        await eventually(partial(world.storage.size, good))
        await eventually(world.idle)

    thumbnail = Image.open(BytesIO(await world.storage.get_bytes(good)))
    assert (thumbnail.format, thumbnail.size) == ("WEBP", (384, 288))
    assert [await world.storage.size(key) for key in (cut, bomb)] == [None, None]


async def test_what_waited_for_a_worker_is_made_when_one_comes(world: World) -> None:
    async with world.worker():
        pass
    run_id = await world.run(GOOD)

    async with world.worker():
        await eventually(partial(world.storage.size, await world.key(run_id)))


async def test_of_a_run_that_is_erased_while_it_is_drawn_nothing_stays(world: World) -> None:
    drawing, erased = asyncio.Event(), asyncio.Event()

    async def draw_slowly(chunks: AsyncIterator[bytes]) -> bytes:
        thumbnail = await draw_thumbnail(chunks)
        drawing.set()
        await erased.wait()
        return thumbnail

    world.draw = draw_slowly
    async with world.worker(), asyncio.timeout(60):
        run_id = await world.run(GOOD)
        key = await world.key(run_id)
        await drawing.wait()
        session = await load(world.store, RUN, run_id)
        await session.execute(EraseRun(reason="request", by="ada", now=NOW), meta())
        await world.storage.delete_all(output_folder(run_id))  # as the eraser does
        erased.set()
        await eventually(world.idle)

    assert await world.storage.size(key) is None
