"""The last use of keys: written down now and then, kept while that fails."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import cast
from uuid import UUID

import pytest

from app.auth import key_uses
from app.auth.key_uses import KeyUses
from infra.postgres import Pool, PostgresUnavailable
from tests.builders.facts import MACHINE_ID, NOW, OTHER_ID, later


class Postgres:
    """A pool of connections that may be away, and what was written through it."""

    def __init__(self) -> None:
        self.away = False
        self.written: list[dict[UUID, datetime]] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Postgres"]:
        if self.away:
            raise PostgresUnavailable
        yield self


@pytest.fixture
def postgres(monkeypatch: pytest.MonkeyPatch) -> Postgres:
    pool = Postgres()

    async def write(connection: Postgres, uses: Mapping[UUID, datetime]) -> None:
        connection.written.append(dict(uses))

    monkeypatch.setattr(key_uses, "note_key_uses", write)
    monkeypatch.setattr(key_uses, "EVERY", 0.01)
    return pool


async def test_of_many_uses_the_last_is_written(postgres: Postgres) -> None:
    times = iter([NOW, later(1), later(2)])
    uses = KeyUses(cast("Pool", postgres), lambda: next(times))
    async with uses.writing():
        for key_id in (OTHER_ID, OTHER_ID, MACHINE_ID):
            uses.note(key_id)
    assert postgres.written == [{OTHER_ID: later(1), MACHINE_ID: later(2)}]


async def test_what_could_not_be_written_is_written_later(postgres: Postgres) -> None:
    uses = KeyUses(cast("Pool", postgres), lambda: NOW)
    postgres.away = True
    uses.note(OTHER_ID)
    async with uses.writing():
        await asyncio.sleep(0.05)
        assert postgres.written == []
        postgres.away = False
    assert postgres.written == [{OTHER_ID: NOW}]
