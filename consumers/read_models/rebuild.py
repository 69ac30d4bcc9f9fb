"""Rebuilds the read models beside the live ones, compares both, and swaps them."""

from collections.abc import Callable
from contextlib import aclosing

from infra.jetstream.connection import Client
from infra.jetstream.log.reader import head, read_log
from infra.postgres import Connection
from projections.fold import Fold
from projections.queries import position
from projections.schema import (
    NEXT,
    Difference,
    compare,
    create_tables,
    drop_tables,
    swap_in,
    the_only_rebuild,
)
from projections.statements import LIVE, statements

BATCH = 2000

OnProgress = Callable[[int, int], None]
"""Takes the position that the rebuild has reached, and its goal."""


async def rebuild(
    client: Client, connection: Connection, on_progress: OnProgress
) -> list[Difference]:
    """Replay the whole log into new tables and put them in place; return what differed.

    The live tables answer all the while. At the end they stand still for as long as the last
    events and the comparison take.

    Raises:
        RebuildRunning: another rebuild is at work.
        LogInterrupted, PostgresError: nothing was changed; rebuild again.

    """
    async with the_only_rebuild(connection):
        return await _rebuild(client, connection, on_progress)


async def _rebuild(
    client: Client, connection: Connection, on_progress: OnProgress
) -> list[Difference]:
    await drop_tables(connection, NEXT)
    await create_tables(connection, LIVE)
    await create_tables(connection, NEXT)
    fold = Fold(connection, schema=NEXT)
    await fold.start()
    await _replay(client, fold, await _in_common(client, connection), on_progress)
    async with connection.transaction():
        # Holds the live projector before its next batch until the swap is done.
        await connection.execute(statements("rows.sql", LIVE)["lock_checkpoint"])
        await _replay(client, fold, await _in_common(client, connection), on_progress)
        # Only tables that stand at the same event can be compared.
        differences = await compare(connection)
        await _replay(client, fold, await head(client), on_progress)
        await swap_in(connection)
    return differences


async def _in_common(client: Client, connection: Connection) -> int:
    """Return the last position that both have: a restored log may end before the live tables."""
    return min(await position(connection), await head(client))


async def _replay(client: Client, fold: Fold, goal: int, on_progress: OnProgress) -> None:
    if fold.position >= goal:
        return
    async with aclosing(read_log(client, after=fold.position, limit=BATCH)) as batches:
        async for batch in batches:
            await fold.apply([entry for entry in batch if entry.position <= goal])
            on_progress(fold.position, goal)
            if fold.position >= goal:
                return
