"""What is private in an erased run is deleted everywhere, once, and at its time."""

from datetime import timedelta
from uuid import UUID, uuid4

import msgspec
import pytest
from msgspec.structs import replace

from consumers.delivery import RetryLater
from consumers.maintenance.retention import AT_ONCE
from consumers.read_models.rebuild import rebuild
from events.aggregates import RUN
from events.run.commands import EraseInputs
from events.run.status import Status
from infra.event_store import load
from infra.postgres import connect
from projections.queries import find_runs
from tests.builders.erasing import (
    OWN,
    SECRET,
    SHARED,
    World,
    appended,
    ended_long_ago,
    finish,
    kept,
)
from tests.builders.facts import created, meta
from tests.fakes.worker_parts import erase, sweep


async def test_all_that_is_private_is_deleted_and_the_numbers_stay(world: World) -> None:
    run_id = await world.ended_run(OWN)
    await world.ask_to_erase(run_id)
    with pytest.raises(RetryLater):
        await erase(run_id, 1, world.tools)
    world.later_than_grace()
    await world.follow()

    await erase(run_id, 2, world.tools)

    assert await kept(world) == set()
    assert await world.private.get_inputs(run_id, "hash") is None
    assert await world.private.get_texts(run_id, 1) == {}
    run = await world.run(run_id)
    assert (run.status, run.deleted_at) == (Status.SUCCESS, world.now)
    assert [u.bytes for u in run.uploads.values()] == [10]
    await world.follow()
    async with world.pool.connection() as connection:
        row = (await find_runs(connection, [run_id]))[run_id].row
    assert row.state == run
    assert SECRET not in msgspec.json.encode(row.state).decode()


async def test_erasing_twice_or_without_need_does_nothing(world: World) -> None:
    run_id, other = await world.ended_run(), await world.ended_run()
    await erase(uuid4(), 1, world.tools)
    await erase(other, 1, world.tools)
    assert await world.private.get_inputs(other, "hash") is not None

    await world.ask_to_erase(run_id)
    for _ in range(2):
        await erase(run_id, 1, world.tools)

    types = [entry.type for entry in await world.store.read(RUN.name(run_id))]
    assert types[-2:] == ["run.data_erased.v1", "run.data_deleted.v1"]
    assert await kept(world) == {f"outputs/runs/{other}/{SECRET}"}


async def test_tables_that_never_hold_the_whole_log_do_not_stop_an_erasure(world: World) -> None:
    """On a busy day there is always something newer than what the tables have taken in."""
    run_id = await world.ended_run(SHARED)
    await world.ask_to_erase(run_id)
    with pytest.raises(RetryLater):
        await erase(run_id, 1, world.tools)
    world.later_than_grace()
    looks = 0

    async def busy(_: float) -> None:
        nonlocal looks
        looks += 1
        await world.follow()
        await appended(world, uuid4(), [created()])

    await appended(world, uuid4(), [created()])
    await erase(run_id, 2, replace(world.tools, pause=busy))

    assert (looks, SHARED in await kept(world)) == (1, False)


async def test_storage_that_is_away_only_postpones(world: World) -> None:
    run_id = await world.ended_run()
    await world.ask_to_erase(run_id)
    world.storage.down = True
    with pytest.raises(RetryLater):
        await erase(run_id, 1, world.tools)
    assert (await world.run(run_id)).deleted_at is None
    world.storage.down = False

    await erase(run_id, 2, world.tools)

    assert await kept(world) == set()


async def test_tables_rebuilt_after_an_erasure_are_the_same_and_hold_nothing_private(
    world: World,
) -> None:
    erased, whole = await world.ended_run(OWN), await world.ended_run(SHARED)
    await finish(world, erased)

    async with connect(world.postgres_url) as connection:
        assert await rebuild(world.client, connection, lambda *_: None) == []
        rows = await find_runs(connection, [erased, whole])
        dump = await connection.execute(
            "SELECT to_jsonb(r)::text || encode(r.state, 'escape') FROM read.run r WHERE id = %s",
            (erased,),
        )
        [(text,)] = await dump.fetchall()
    assert rows[whole].row.state.erased_at is None
    assert rows[erased].row.state.deleted_at is not None
    assert SECRET not in text


async def test_a_sweep_erases_what_has_been_kept_long_enough(world: World) -> None:
    day = timedelta(days=1)
    old = [await world.ended_run(at=world.now - 3 * day) for _ in range(2)]
    young = await world.ended_run(at=world.now - day)
    settings = replace(world.tools.settings, keep_data_days=2.0)
    tools = replace(world.tools, settings=settings)

    assert await sweep(tools) == 2
    assert await sweep(tools) == 0
    await world.follow()
    assert await sweep(tools) == 0

    for run_id in old:
        assert (await world.run(run_id)).erased_at == world.now
        last = (await world.store.read(RUN.name(run_id)))[-1]
        assert (last.event.reason, last.event.by) == ("retention", tools.worker)
    assert (await world.run(young)).erased_at is None


async def test_a_sweep_of_more_runs_than_one_query_gives_misses_none(world: World) -> None:
    for _ in range(AT_ONCE + 5):
        await appended(world, uuid4(), [created(), ended_long_ago()])
    await world.follow()
    settings = replace(world.tools.settings, keep_data_days=1.0)
    tools = replace(world.tools, settings=settings)

    assert await sweep(tools) == AT_ONCE + 5


async def ask_to_erase_inputs(world: World, run_id: UUID, *, seconds: float) -> None:
    session = await load(world.store, RUN, run_id)
    due = world.now + timedelta(seconds=seconds)
    await session.execute(EraseInputs(due=due, by="user:ada", now=world.now), meta())


async def test_inputs_are_deleted_alone_when_they_are_due_and_no_other_run_is_touched(
    world: World,
) -> None:
    run_id, other = await world.ended_run(OWN, SHARED), await world.ended_run(SHARED)
    await ask_to_erase_inputs(world, run_id, seconds=20)
    with pytest.raises(RetryLater) as postponed:
        await erase(run_id, 1, world.tools)
    assert 15 < postponed.value.seconds <= 20
    assert await world.private.get_inputs(run_id, "hash") is not None
    world.now += timedelta(seconds=21)
    await world.follow()
    with pytest.raises(RetryLater):  # its images were just given up
        await erase(run_id, 2, world.tools)
    world.now += timedelta(seconds=20)
    await world.follow()

    for _ in range(2):
        await erase(run_id, 3, world.tools)

    assert await kept(world) == {
        SHARED,
        f"outputs/runs/{run_id}/{SECRET}",
        f"outputs/runs/{other}/{SECRET}",
    }
    assert await world.private.get_inputs(run_id, "hash") is None
    assert await world.private.get_texts(run_id, 1) == {1: SECRET}
    assert await world.private.get_inputs(other, "hash") is not None
    types = [entry.type for entry in await world.store.read(RUN.name(run_id))]
    assert types[-2:] == ["run.inputs_erased.v1", "run.inputs_deleted.v1"]


async def test_a_run_that_is_erased_as_a_whole_meanwhile_is_erased_as_a_whole(world: World) -> None:
    run_id = await world.ended_run()
    await ask_to_erase_inputs(world, run_id, seconds=100)
    await world.ask_to_erase(run_id)

    await erase(run_id, 1, world.tools)

    assert await kept(world) == set()
    assert (await world.run(run_id)).deleted_at == world.now
