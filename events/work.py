"""Pieces of work: what an aggregate waits for, each under a subject of its own.

work.run.<machine>.<run>.<attempt>, work.upload.<run>.<attempt>, work.erase.<run>.<cause>,
work.batch.<batch>.<cause> and work.thumbnail.<run>.<cause>. The subject says whose the work is, so
one request to the queue shows what is there. It names the attempt or the cause, too: a retry is
queued while the piece that led to it is still in hand, and must not be taken for it.

In an earlier version all work of one kind, or of one machine, shared a subject
(events/subjects.py). Both are served, so old and new processes may run side by side.
"""

from uuid import UUID

from msgspec import Struct

from events import subjects
from events.batch import Batch
from events.run.redaction import inputs_are_due
from events.run.state import Run

RENDERS = "work.run"
"""Not work.render: an earlier version takes all that follows that for the id of a machine."""


class Piece(Struct, frozen=True, kw_only=True):
    """One piece of work."""

    subject: str
    identifier: UUID
    """Of the run or batch whose work it is."""

    shared: str
    """The subject on which an earlier version queues the same work."""


def render_piece(run_id: UUID, machine_id: UUID, attempt: int) -> Piece:
    """Return the work of rendering an attempt."""
    return Piece(
        subject=f"{RENDERS}.{machine_id}.{run_id}.{attempt}",
        identifier=run_id,
        shared=subjects.render_work(machine_id),
    )


def upload_piece(run_id: UUID, attempt: int) -> Piece:
    """Return the work of storing what an attempt left behind."""
    return _piece(subjects.UPLOAD_WORK, run_id, str(attempt))


def erasure_piece(run_id: UUID) -> Piece:
    """Return the work of deleting the private data of a run."""
    return _piece(subjects.ERASE_WORK, run_id, "erased")


def inputs_erasure_piece(run_id: UUID) -> Piece:
    """Return the work of deleting the inputs of a run, and no more of it."""
    return _piece(subjects.ERASE_WORK, run_id, "inputs")


def thumbnail_piece(run_id: UUID) -> Piece:
    """Return the work of making the thumbnails of a run that has ended."""
    return _piece(subjects.THUMBNAIL_WORK, run_id, "ended")


def start_piece(batch_id: UUID) -> Piece:
    """Return the work of making the runs of a batch."""
    return _piece(subjects.BATCH_WORK, batch_id, "created")


def stop_piece(batch_id: UUID) -> Piece:
    """Return the work of stopping the runs of a batch."""
    return _piece(subjects.BATCH_WORK, batch_id, "cancelled")


def piece_of_run(run: Run) -> Piece | None:
    """Return what a run waits for, None when nothing is to be done for it."""
    if run.ended:
        if inputs_are_due(run):
            return inputs_erasure_piece(run.id)
        due = run.erased_at is not None and run.deleted_at is None
        return erasure_piece(run.id) if due else None
    if run.produced:
        return upload_piece(run.id, run.attempt)
    # An open attempt goes on; the next one has not been claimed yet.
    attempt = run.attempt if run.claimed else run.attempt + 1
    return render_piece(run.id, run.machine_id, attempt)


def piece_of_batch(batch: Batch) -> Piece | None:
    """Return what a batch waits for, as far as its own facts say: its runs may all be stopped."""
    if batch.cancelled_by is not None:
        return stop_piece(batch.id)
    return None if batch.started else start_piece(batch.id)


def renders_of(machine_id: UUID) -> str:
    """Return the pattern of all renders that wait for a machine."""
    return f"{RENDERS}.{machine_id}.>"


def owner_of(subject: str) -> UUID | None:
    """Return whose the work on a subject is, None when many share it."""
    tokens = subject.split(".")
    return UUID(tokens[-2]) if len(tokens) > 3 else None  # noqa: PLR2004 -- work.<kind>.<id>.<cause>


def is_due(subject: str) -> bool:
    """Whether a run, a batch or a machine cannot go on without the work on a subject.

    Thumbnails are extra: a run that waits for these alone may have lost the work that is due.
    """
    return not subject.startswith(f"{subjects.THUMBNAIL_WORK}.")


def machine_of(subject: str) -> UUID | None:
    """Return the machine for which the work on a subject waits, None for other work."""
    kind, _, rest = subject.removeprefix("work.").partition(".")
    return UUID(rest.split(".")[0]) if kind in {"run", "render"} else None


def _piece(shared: str, identifier: UUID, cause: str) -> Piece:
    return Piece(subject=f"{shared}.{identifier}.{cause}", identifier=identifier, shared=shared)
