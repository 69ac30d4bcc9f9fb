"""The lock of the one projector that folds; it ends with the connection.

The lock keeps the others from trying in vain. What keeps the tables right is the checkpoint, which
moves by compare-and-set: see projections/fold.py.
"""

from projections.statements import Connection, statements

_SQL = statements("projector_lock.sql")


async def begin_projecting(connection: Connection) -> bool:
    """Take the lock for as long as *connection* lasts; return whether that was possible."""
    cursor = await connection.execute(_SQL["begin"])
    row = await cursor.fetchone()
    return bool(row and row[0])


async def end_other_projector(connection: Connection) -> bool:
    """End the connection that holds the lock, unless a rebuild holds it up; return whether it was.

    Raises:
        psycopg.errors.InsufficientPrivilege: it is of another role.

    """
    cursor = await connection.execute(_SQL["end_other"])
    return await cursor.fetchone() is not None
