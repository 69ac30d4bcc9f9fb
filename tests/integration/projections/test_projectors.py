"""Of several projectors one works; another takes over when it dies or hangs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from consumers.read_models import projector as projectors
from consumers.read_models.projector import Projector
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.log.reader import head
from infra.postgres import Connection, connect
from infra.telemetry.projector_metrics import ProjectorMetrics
from infra.telemetry.watchdog import GaveUp
from projections.projector_lock import begin_projecting
from projections.queries import position
from projections.schema import the_only_rebuild
from projections.statements import LIVE, statements
from tests.builders.facts import created, draft
from tests.e2e.system import eventually


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projectors, "STAND_BY_EVERY", 0.05)
    monkeypatch.setattr(projectors, "PAUSE", 0.05)


class World:
    """A log, its tables, and projectors."""

    def __init__(self, client: Client, postgres_url: str, connection: Connection) -> None:
        self._client = client
        self._postgres_url = postgres_url
        self._connection = connection

    @asynccontextmanager
    async def projector(self) -> AsyncIterator[Projector]:
        """Run a projector for as long as the context lasts."""
        metrics = ProjectorMetrics(CollectorRegistry())
        projector = Projector(self._client, self._postgres_url, metrics)
        running = asyncio.create_task(projector.run())
        try:
            yield projector
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def happen(self) -> None:
        """Put an event into the log."""
        run_id = uuid4()
        await JetStreamEventStore(self._client).append(
            [draft(created(run_id=run_id), version=1, run_id=run_id)], expected=0
        )

    async def until(self, projector: Projector, state: str) -> None:
        """Wait until a projector says what it does."""

        async def says() -> bool:
            return await projector.check() == state

        await eventually(says)

    async def until_folded(self) -> None:
        """Wait until the tables stand where the log ends."""

        async def folded() -> bool:
            return await position(self._connection) == await head(self._client)

        await eventually(folded)


@pytest.fixture
def world(log_client: Client, postgres_url: str, connection: Connection) -> World:
    """Return a log with an event in it, and empty tables."""
    return World(log_client, postgres_url, connection)


async def test_one_works_and_the_other_takes_over_quietly_when_it_ends(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="consumers.read_models.projector")
    async with world.projector() as first:
        await world.until(first, "ok")
        async with world.projector() as other:
            await world.until(other, "standing by")
            await world.happen()
            await world.until_folded()
            assert (first.works, other.works) == (True, False)
        async with world.projector() as other:
            await world.until(other, "standing by")
    async with world.projector() as last:
        await world.until(last, "ok")
    said = [(record.levelname, record.message) for record in caplog.records]
    assert said == [
        ("INFO", "projector.following"),
        ("INFO", "projector.standing_by"),
        ("INFO", "projector.standing_by"),
        ("INFO", "projector.following"),
    ]


async def test_one_that_is_killed_is_followed_by_the_one_that_stands_by(
    world: World, caplog: pytest.LogCaptureFixture, postgres_url: str
) -> None:
    caplog.set_level(logging.INFO, logger="consumers.read_models.projector")
    async with connect(postgres_url) as dead, world.projector() as other:
        assert await begin_projecting(dead)
        await world.until(other, "standing by")
        await world.happen()
        await dead.close()
        await world.until(other, "ok")
        await world.until_folded()
    said = [record.message for record in caplog.records]
    assert said == ["projector.standing_by", "projector.took_over"]


async def test_one_that_hangs_while_the_log_goes_on_is_ended(
    world: World,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(projectors, "OTHER_HANGS_AFTER", 0.3)
    async with connect(postgres_url) as frozen:
        assert await begin_projecting(frozen)
        async with world.projector() as other:
            await world.until(other, "standing by")
            await asyncio.sleep(0.6)
            assert await other.check() == "standing by"  # There is nothing to do for either.
            await world.happen()
            await world.until(other, "ok")
            await world.until_folded()
        with pytest.raises(psycopg.OperationalError):
            await begin_projecting(frozen)
    warnings = [r.message for r in caplog.records if r.levelno >= logging.WARNING]
    assert warnings == ["projector.ended_other"]


async def test_one_that_waits_for_a_rebuild_is_left_alone(
    world: World, postgres_url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projectors, "OTHER_HANGS_AFTER", 0.1)
    async with connect(postgres_url) as waiting:
        assert await begin_projecting(waiting)
        async with world.projector() as other:
            async with the_only_rebuild(connection):
                await world.happen()
                await world.until(other, "standing by")
                await asyncio.sleep(0.5)
                assert await begin_projecting(waiting)
            await world.until(other, "ok")


async def test_one_whose_tables_stand_still_behind_the_log_gives_up(
    world: World, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projectors, "HANGS_AFTER", 0.3)
    async with world.projector() as projector:
        await world.until(projector, "ok")
        async with connection.transaction():
            await connection.execute(statements("rows.sql", LIVE)["lock_checkpoint"])
            await world.happen()

            async def gives_up() -> bool:
                try:
                    await projector.check()
                except GaveUp:
                    return True
                return False

            await eventually(gives_up)
