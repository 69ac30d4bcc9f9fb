"""Folds batches of the log into the tables, exactly once.

The rows and the checkpoint move in one transaction, the checkpoint by compare-and-set: a projector
that was killed goes on where it was, and of two that are alive only one moves on. An event that
cannot be folded puts its own aggregate into quarantine and stops nothing else.
"""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from events.envelope import Entry, Unreadable
from events.subjects import identifier_of, kind_of
from projections.fold_entry import NUL, Poison, fold_entry
from projections.statements import LIVE, Connection, statements
from projections.tables import TABLES, Row, parameters, read_row

CACHED_ROWS = 20_000
"""Rows kept in memory: running aggregates get their next event soon."""


class Fenced(Exception):
    """Another projector has moved the checkpoint."""


class Fold:
    """The tables of one schema, and what was last written to them."""

    def __init__(self, connection: Connection, *, schema: str = LIVE) -> None:
        self._connection = connection
        self._schema = schema
        self._sql = statements("rows.sql", schema)
        self._rows: dict[str, Row] = {}
        self._quarantined: set[str] = set()
        self.position = 0

    async def start(self) -> None:
        """Read where the tables stand."""
        async with self._connection.transaction():
            cursor = await self._connection.execute(self._sql["checkpoint"])
            row = await cursor.fetchone()
            assert row is not None  # the schema is born with its checkpoint
            self.position = row[0]
            found = await self._connection.execute(self._sql["quarantined"])
            self._quarantined = {name for (name,) in await found.fetchall()}
        self._rows.clear()

    async def apply(self, entries: Sequence[Entry]) -> None:
        """Fold *entries* and move the checkpoint, all or nothing.

        Raises:
            Fenced: another projector was here; start again.
            psycopg.Error: Postgres does not answer; start again.

        """
        fresh = [entry for entry in entries if entry.position > self.position]
        if not fresh:
            return
        async with self._connection.transaction():
            # First, so that one who waits here for a rebuild holds no table that it wants to drop.
            await self._move(fresh[-1].position)
            await self._load_missing(fresh)
            changed, poisoned = self._fold(fresh)
            await self._save(changed)
            await self._quarantine(poisoned)
        self.position = fresh[-1].position
        self._quarantined |= {entry.aggregate for entry in poisoned}
        self._forget()

    def _fold(self, entries: Sequence[Entry]) -> tuple[dict[str, Row], list[Unreadable]]:
        changed: dict[str, Row] = {}
        poisoned: dict[str, Unreadable] = {}
        for entry in entries:
            if entry.aggregate in self._quarantined or entry.aggregate in poisoned:
                continue
            try:
                row = fold_entry(self._rows.get(entry.aggregate), entry)
            except Poison as error:
                poisoned[entry.aggregate] = error.unreadable
                continue
            self._rows[entry.aggregate] = changed[entry.aggregate] = row
        return changed, list(poisoned.values())

    async def _load_missing(self, entries: Sequence[Entry]) -> None:
        wanted: dict[str, list[UUID]] = {}
        for name in {e.aggregate for e in entries} - self._rows.keys():
            kind = kind_of(name)
            with suppress(ValueError):  # Poison, as the fold will find.
                identifier = identifier_of(name)
                if kind in TABLES:
                    wanted.setdefault(kind, []).append(identifier)
        for kind, ids in wanted.items():
            load = statements("load.sql", self._schema, table=kind)["load"]
            cursor = await self._connection.execute(load, (ids,))
            for found in await cursor.fetchall():
                row = read_row(kind, found)
                self._rows[TABLES[kind].decider.name(row.id)] = row

    async def _save(self, changed: dict[str, Row]) -> None:
        rows: dict[str, list[dict[str, object]]] = {}
        for name, row in changed.items():
            table = TABLES[kind_of(name)]
            rows.setdefault(table.save, []).append(parameters(table, row))
        async with self._connection.cursor() as cursor:
            for statement, batch in rows.items():
                await cursor.executemany(self._sql[statement], batch)

    async def _quarantine(self, poisoned: Sequence[Unreadable]) -> None:
        for entry in poisoned:
            await self._connection.execute(
                self._sql["quarantine"],
                {
                    "aggregate": entry.aggregate,
                    "position": entry.position,
                    "event_type": entry.type.replace(NUL, ""),
                    "error": entry.error.replace(NUL, ""),
                },
            )

    async def _move(self, position: int) -> None:
        moved = await self._connection.execute(
            self._sql["move_checkpoint"], {"old": self.position, "new": position}
        )
        if moved.rowcount != 1:
            raise Fenced

    def _forget(self) -> None:
        surplus = len(self._rows) - CACHED_ROWS
        for name in list(self._rows)[: max(surplus, 0)]:
            del self._rows[name]
