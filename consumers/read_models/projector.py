"""Keeps the read models up with the log. Of several projectors one works, the others stand by."""

import asyncio
import logging
import time
from contextlib import aclosing

from consumers.trace_runs import trace_projected
from infra import clock
from infra.jetstream.connection import Client
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.health.log import LogCheck
from infra.jetstream.log.reader import LogInterrupted, head, read_log
from infra.postgres import Connection, PostgresError, connect
from infra.telemetry.projector_metrics import ProjectorMetrics
from infra.telemetry.watchdog import OK, STANDING_BY, STARTING, GaveUp
from projections.fold import Fenced, Fold
from projections.health import PROJECTOR
from projections.projector_lock import begin_projecting, end_other_projector
from projections.queries import position
from projections.schema import check_tables, create_tables

log = logging.getLogger(__name__)

BATCH = 500
PAUSE = 0.5
"""Seconds before a new start after Postgres or NATS went away."""

STAND_BY_EVERY = 1.0
"""Seconds between two tries to take over."""

OTHER_HANGS_AFTER = 20.0
"""Seconds the tables may stand still behind the log before one that stands by ends the one that
holds them up: it is frozen, or its computer is gone and Postgres has not noticed."""

HANGS_AFTER = 60.0
"""Seconds the tables may stand still behind the log before this projector ends itself."""

PASSING = (
    Fenced,
    LogInterrupted,
    Unanswered,
    ApiError,
    PostgresError,
    TimeoutError,
    ConnectionError,
)
"""Errors that pass by themselves: the projector starts over."""

AWAY = "away"


class LogIsShorter(Exception):
    """The tables know more than the log: it was restored or replaced. Rebuild the tables."""


class Standstill:
    """Since when the tables have been behind the log without moving."""

    def __init__(self) -> None:
        self._position = -1
        self._since = 0.0

    def lasts(self, position: int, end: int) -> float:
        """Note where the tables stand and the log ends; return the seconds it has lasted."""
        now = time.monotonic()
        if position != self._position or position >= end:
            self._position, self._since = position, now
        return now - self._since


class Projector:
    """Folds the log into the tables, or stands by."""

    def __init__(self, client: Client, postgres_url: str, metrics: ProjectorMetrics) -> None:
        """Count what is folded in *metrics*."""
        self._client = client
        self._postgres_url = postgres_url
        self._metrics = metrics
        self._state = STARTING
        self._position = 0
        self._standstill = Standstill()

    @property
    def works(self) -> bool:
        """Whether it is this one that folds."""
        return self._state == OK

    async def check(self) -> str:
        """Return `ok`, `standing by` or what is wrong.

        Raises:
            GaveUp: the tables stand still, and the log has more.

        """
        if self.works:
            try:
                end = await head(self._client)
            except (Unanswered, ApiError):
                return AWAY
            if self._standstill.lasts(self._position, end) > HANGS_AFTER:
                raise GaveUp(f"the tables stand still at {self._position}, the log ends at {end}")
        return self._state

    async def run(self) -> None:
        """Work or stand by, for ever, through every outage.

        Raises:
            LogIsShorter: going on would mix two histories.
            TablesOutdated: an earlier version made the tables.

        """
        while True:
            try:
                await self._follow()
            except PASSING as error:
                self._state = AWAY
                self._metrics.restarted()
                log.warning("projector.restarted", extra={"error": repr(error)})
                await asyncio.sleep(PAUSE)

    async def _follow(self) -> None:
        async with connect(self._postgres_url, name=PROJECTOR) as connection:
            await create_tables(connection)
            await check_tables(connection)
            stood_by = await self._stand_by(connection)
            fold = Fold(connection)
            await fold.start()
            end = await _end(self._client, fold.position)
            self._position, self._standstill, self._state = fold.position, Standstill(), OK
            event = "projector.took_over" if stood_by else "projector.following"
            log.info(event, extra={"position": fold.position, "head": end})
            async with aclosing(
                read_log(self._client, after=fold.position, limit=BATCH)
            ) as batches:
                async for batch in batches:
                    await fold.apply(batch)
                    self._position = fold.position
                    self._metrics.folded(batch)
                    trace_projected(batch, clock.now())

    async def _stand_by(self, connection: Connection) -> bool:
        """Wait until no other projector works; return whether one did."""
        other = Standstill()
        stood_by = False
        while not await begin_projecting(connection):
            if not stood_by:
                log.info("projector.standing_by")
            stood_by, self._state = True, STANDING_BY
            at, end = await position(connection), await head(self._client)
            if other.lasts(at, end) > OTHER_HANGS_AFTER and await end_other_projector(connection):
                log.warning("projector.ended_other", extra={"position": at, "head": end})
            await asyncio.sleep(STAND_BY_EVERY)
        return stood_by


async def _end(client: Client, position: int) -> int:
    """Return where the log ends.

    Raises:
        LogIsShorter: before *position*.
        LogInterrupted: before it, says a leader that may have been deposed.

    """
    end = await head(client)
    if end >= position:
        return end
    # Cut off from the others, it would not know; but a leader that can write is not cut off.
    if not await LogCheck(client).can_write():
        raise LogInterrupted(f"the log seems to end at {end}, and cannot be written")
    end = await head(client)
    if end < position:
        raise LogIsShorter(f"log ends at {end}, tables stand at {position}")
    return end
