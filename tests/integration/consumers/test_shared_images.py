"""Images that several runs use: kept as long as one of them may need them, and no longer."""

from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from consumers.delivery import RetryLater
from events.aggregates import BATCH
from events.batch import BatchCreated, RecordStart
from events.codec import type_name_of
from infra.event_store import load
from infra.images.store import InputImages
from infra.s3.port import ObjectMissing, StorageUnavailable
from tests.builders.erasing import OWN, SECRET, SHARED, World, appended, finish, input_image, kept
from tests.builders.facts import created, draft, meta
from tests.fakes.worker_parts import erase


async def test_an_image_that_another_run_uses_stays_until_that_is_erased(world: World) -> None:
    first, second = await world.ended_run(SHARED, OWN), await world.ended_run(SHARED)
    await finish(world, first)
    assert await kept(world) == {SHARED, f"outputs/runs/{second}/{SECRET}"}

    await finish(world, second)
    assert await kept(world) == set()


async def test_of_two_runs_erased_at_once_the_shared_image_goes_too(world: World) -> None:
    runs = [await world.ended_run(SHARED), await world.ended_run(SHARED)]
    for run_id in runs:
        await world.ask_to_erase(run_id)
    await world.follow()
    for run_id in runs:
        with pytest.raises(RetryLater):
            await erase(run_id, 1, world.tools)
    world.later_than_grace()

    for run_id in runs:
        await erase(run_id, 2, world.tools)
        await world.follow()

    assert await kept(world) == set()


async def test_a_run_that_found_the_image_just_before_keeps_it(world: World) -> None:
    """It looked at the keys, and its event came into the log after the other run was erased."""
    run_id = await world.ended_run(SHARED)
    await world.ask_to_erase(run_id)
    with pytest.raises(RetryLater):
        await erase(run_id, 1, world.tools)
    # The tables do not know yet that there is another.
    await appended(world, uuid4(), [created(), input_image(SHARED, 0)])
    world.later_than_grace()

    with pytest.raises(RetryLater):
        await erase(run_id, 2, world.tools)
    assert SHARED in await kept(world)

    await world.follow()
    await erase(run_id, 3, world.tools)
    assert SHARED in await kept(world)
    assert (await world.run(run_id)).deleted_at is not None


async def test_runs_that_a_batch_has_promised_keep_their_images(world: World) -> None:
    run_id = await world.ended_run(SHARED)
    batch = BatchCreated(
        batch_id=uuid4(),
        user_id="ada",
        org_id=None,
        targets=(),
        items=(),
        request_hash="hash",
        origin="api",
        at=world.now,
    )
    promise = replace(
        draft(created(), version=1),
        aggregate=BATCH.name(batch.batch_id),
        type=type_name_of(BatchCreated),
        event=batch,
    )
    await world.store.append([promise], expected=0)
    await world.ask_to_erase(run_id)
    with pytest.raises(RetryLater):
        await erase(run_id, 1, world.tools)
    world.later_than_grace()
    await world.follow()

    with pytest.raises(RetryLater):
        await erase(run_id, 2, world.tools)
    assert SHARED in await kept(world)

    session = await load(world.store, BATCH, batch.batch_id)
    await session.execute(RecordStart(now=world.now), meta())
    await world.follow()
    await erase(run_id, 3, world.tools)
    assert SHARED not in await kept(world)


async def test_a_run_that_comes_later_gets_a_key_of_its_own(world: World) -> None:
    intake = InputImages(
        storage=world.storage, given_up=world.given_up, settings=world.tools.settings
    )
    png = b"\x89PNG\r\n\x1a\n"
    facts: Any = type("Facts", (), {"extension": "png", "media_type": "image/png"})
    facts.width = facts.height = 1
    first = await intake.store(png, facts, tenant="user:ada", name="a", now=world.now)
    await intake.confirm([first])
    await world.given_up.give_up(first.key)

    with pytest.raises(StorageUnavailable):
        await intake.confirm([first])
    second = await intake.store(png, facts, tenant="user:ada", name="a", now=world.now)
    await intake.confirm([second])

    assert second.key != first.key
    await world.storage.delete(first.key)
    assert await world.storage.get_bytes(second.key) == png
    with pytest.raises(ObjectMissing):
        await world.storage.get_bytes(first.key)
