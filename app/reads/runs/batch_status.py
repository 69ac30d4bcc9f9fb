"""The status of a batch: its runs counted, from the read models or from the log itself."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from events.aggregates import BATCH, RUN
from events.batch import Batch
from events.envelope import AnyRecorded
from events.run.events import RunEvent, StatusChanged
from events.run.redaction import ERASURES
from events.run.status import TERMINAL, Status
from events.subjects import identifier_of, kind_of
from infra.event_store import EventStore, load
from infra.jetstream.log.aggregates import LogReader
from projections.queries import BatchCount


class BatchStatus(Struct, frozen=True, kw_only=True):
    """The runs of a batch, counted."""

    batch: Batch
    position: int
    """How new this is."""

    counts: Mapping[str, int]
    """Runs by status, every status named; a run without a status has not started."""

    ended_at: datetime | None
    """When the last run ended; None while any is open."""

    @property
    def done(self) -> bool:
        """Whether every run has ended."""
        return is_done(self.batch, self.counts)


def is_done(batch: Batch, counts: Mapping[str, int]) -> bool:
    """Whether every run of a batch has ended."""
    return sum(counts.get(status, 0) for status in TERMINAL) == batch.total


def status_of(batch: Batch, found: Iterable[BatchCount], position: int) -> BatchStatus:
    """Return the status of a batch by the rows of its runs; those without one are on their way."""
    rows = list(found)
    counts = _all_statuses(batch, {row.status: row.count for row in rows})
    ends = [row.ended_at for row in rows if row.ended_at is not None]
    ended_at = max(ends, default=None) if is_done(batch, counts) else None
    return BatchStatus(batch=batch, position=position, counts=counts, ended_at=ended_at)


class Tally:
    """The runs of a batch by status, kept up with what happens to them."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._statuses: dict[str, str] = {}
        self._ended_at: datetime | None = None
        self.erased: dict[str, RunEvent] = {}
        """The last erasure of each run that has one, by its name in the log."""

    def note(self, recorded: AnyRecorded) -> None:
        """Take in an event of the batch or of one of its runs."""
        name, event = recorded.aggregate, recorded.event
        if kind_of(name) == BATCH.kind:
            self.batch = BATCH.evolve(self.batch, event)
            return
        self._statuses[name] = recorded.status
        if isinstance(event, StatusChanged) and event.status in TERMINAL:
            self.note_end(event.at)
        if isinstance(event, ERASURES):
            self.erased[name] = event

    def note_end(self, at: datetime) -> None:
        """Take in when a run ended."""
        self._ended_at = max(self._ended_at or at, at)

    def status(self, position: int) -> BatchStatus:
        """Return the status of the batch at a position of the log."""
        counts = _all_statuses(self.batch, Counter(self._statuses.values()))
        ended_at = self._ended_at if is_done(self.batch, counts) else None
        return BatchStatus(batch=self.batch, position=position, counts=counts, ended_at=ended_at)


async def tally_at(log: LogReader, store: EventStore, batch: Batch, position: int) -> Tally:
    """Count the runs of a batch as they stood at a position of the log.

    Raises:
        LogUnavailable: the log does not answer.

    """
    tally = Tally(batch)
    names = [RUN.name(run_id) for run_id in batch.run_ids]
    for recorded in await log.last_events(names, until=position):
        tally.note(recorded)
    for name in tally.erased:
        # Its last event does not tell when it ended.
        run = (await load(store, RUN, identifier_of(name))).state
        if run is not None and run.ended_at is not None:
            tally.note_end(run.ended_at)
    return tally


def _all_statuses(batch: Batch, found: Mapping[str, int]) -> dict[str, int]:
    counts = {str(status): found.get(status, 0) for status in Status}
    counts[Status.NOT_STARTED] += batch.total - sum(counts.values())
    return counts
