"""Reads of API keys."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from app.auth.caller import Caller
from infra.postgres import Pool
from projections.hints import key_uses
from projections.queries import Page, list_keys


class KeyReads:
    """Queries for API keys."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(
        self, caller: Caller, *, limit: int, before: int | None
    ) -> tuple[Page, Mapping[UUID, datetime]]:
        """Return a part of the caller's keys, newest first, and when each was last used."""
        async with self._pool.connection() as connection:
            page = await list_keys(connection, tenant=caller.tenant, limit=limit, before=before)
            return page, await key_uses(connection, [row.id for row in page.rows])
