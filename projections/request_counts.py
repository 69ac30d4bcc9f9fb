"""Counts requests in Postgres, minute by minute, for all processes together."""

from msgspec import Struct

from projections.statements import Connection, statements

_SQL = statements("request_counts.sql")


class Count(Struct, frozen=True, kw_only=True):
    """How many requests a subject has made, as Postgres sees it."""

    taken: int
    """In this minute, with those just taken."""

    minute: int
    """Minutes since the epoch."""

    seconds_left: float
    """Until the minute is over."""


async def take_requests(connection: Connection, subject: str, many: int) -> Count:
    """Add *many* requests to a subject's count."""
    cursor = await connection.execute(_SQL["take"], {"subject": subject, "many": many})
    row = await cursor.fetchone()
    assert row is not None  # RETURNING, whether it was inserted or updated
    return Count(taken=row[0], minute=row[1], seconds_left=row[2])


async def forget_requests(connection: Connection, *, before: int) -> None:
    """Drop the counts of minutes before that one."""
    await connection.execute(_SQL["forget"], {"minute": before})
