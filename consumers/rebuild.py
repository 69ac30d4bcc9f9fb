"""Rebuilds the read models beside the live ones, compares both, and swaps them."""

from collections.abc import Callable

from infra.log_reader import head, read_log
from infra.nats_connection import Client
from infra.postgres import Connection
from projections.fold import Fold
from projections.schema import (
    NEXT,
    Difference,
    compare,
    create_tables,
    drop_tables,
    swap_in,
)
from projections.statements import LIVE, statements

BATCH = 2000

Told = Callable[[int, int], None]
"""Told how far the rebuild is: position and goal."""


async def rebuild(client: Client, connection: Connection, told: Told) -> list[Difference]:
    """Replay the whole log into new tables and put them in place; give what differed.

    The live tables answer all the while. At the end they stand still for as long as the last
    events and the comparison take.

    Raises:
        LogInterrupted, psycopg.Error: nothing was changed; rebuild again.

    """
    await drop_tables(connection, NEXT)
    await create_tables(connection, LIVE)
    await create_tables(connection, NEXT)
    fold = Fold(connection, schema=NEXT)
    await fold.start()
    await _replay(client, fold, await head(client), told)
    async with connection.transaction():
        # Holds the live projector at its checkpoint until the swap is done.
        cursor = await connection.execute(statements("rows.sql", LIVE)["lock_checkpoint"])
        row = await cursor.fetchone()
        assert row is not None  # the schema is born with its checkpoint
        await _replay(client, fold, row[0], told)
        differences = await compare(connection) if fold.position == row[0] else []
        await swap_in(connection)
    return differences


async def _replay(client: Client, fold: Fold, goal: int, told: Told) -> None:
    if fold.position >= goal:
        return
    async for batch in read_log(client, after=fold.position, limit=BATCH):
        await fold.apply([entry for entry in batch if entry.position <= goal])
        told(fold.position, goal)
        if fold.position >= goal:
            return
