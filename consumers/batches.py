"""Finishes what the API began for a batch: its runs are made, or stopped, whatever has died."""

import logging
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from consumers.delivery import RetryLater
from events.aggregates import BATCH
from events.batch import Batch
from infra.batch_runs import carry_out
from infra.event_store import EventStore, load

log = logging.getLogger(__name__)

GRACE = 5.0
"""Seconds that the API gets first: it does the same, and nearly always lives to the end of it."""


async def finish_batch(
    batch_id: UUID, delivery: int, *, store: EventStore, now: Callable[[], datetime]
) -> None:
    """Make the runs of a batch that are missing, and stop them all if that was asked.

    Raises:
        RetryLater: it is the API's turn.
        LogUnavailable, VersionConflict: not everything is done.

    """
    batch = (await load(store, BATCH, batch_id)).state
    if batch is None or _is_settled(batch):
        return
    if delivery == 1:
        raise RetryLater(GRACE)
    log.info("batch.finishing", extra={"batch_id": str(batch_id)})
    await carry_out(store, batch_id, now)


def _is_settled(batch: Batch) -> bool:
    return batch.started and batch.cancelled_by is None
