"""Deletes again what the log says is erased, after an older backup has brought it back."""

from collections.abc import Callable, Collection, Container
from contextlib import aclosing
from uuid import UUID

from events import subjects
from events.codec import type_name_of
from events.run.events import RunDataDeleted, RunDataErased, RunInputsDeleted, RunInputsErased
from infra.gather_bounded import gather_bounded
from infra.jetstream.connection import Client
from infra.jetstream.listing import list_subjects
from infra.jetstream.log.headings import last_headings
from infra.jetstream.log.reader import head
from infra.jetstream.private_data import PrivateData
from infra.s3.keys import output_folder
from infra.s3.port import ObjectStorage

ERASED = {type_name_of(RunDataErased), type_name_of(RunDataDeleted)}
"""Nothing happens to a run after these."""

INPUTS_ERASED = {type_name_of(RunInputsErased), type_name_of(RunInputsDeleted)}
"""After these the outputs of a run stay."""

MARKS = subjects.given_up("")
"""What the subjects begin with that belong to no run."""

AT_ONCE = 16
WITHIN = 30.0
"""Seconds NATS may take for one answer."""


async def find_erased(client: Client, types: Container[str] = ERASED) -> set[UUID]:
    """Return all runs that the log says are erased: those whose last event has one of *types*.

    Raises:
        LogInterrupted, ApiError, Unanswered: not everything was looked at; look again.

    """
    found: set[UUID] = set()
    async with aclosing(last_headings(client, until=await head(client))) as batches:
        async for batch in batches:
            found |= {subjects.identifier_of(h.aggregate) for h in batch if h.type in types}
    return found


async def erase_data_again(client: Client, erased: Collection[UUID]) -> int:
    """Delete the inputs and texts of these runs; return how many of them had any.

    Of runs whose inputs alone are erased, only these are deleted.

    Raises:
        LogUnavailable, ApiError, Unanswered: not everything is deleted; do it again.

    """
    names = await list_subjects(client, subjects.INPUTS, "in.>", within=WITHIN)
    kept = {UUID(name.split(".")[1]) for name in names if not _is_mark(name)}
    private = PrivateData(client)
    await gather_bounded(private.erase, kept.intersection(erased), at_once=AT_ONCE)
    without_inputs = kept & await find_erased(client, INPUTS_ERASED)
    await gather_bounded(private.erase_inputs, without_inputs, at_once=AT_ONCE)
    return len(kept.intersection(erased))


async def erase_files_again(
    storage: ObjectStorage, erased: Collection[UUID], on_progress: Callable[[], None]
) -> None:
    """Delete the outputs of these runs. Input images stay: runs of a tenant share them.

    Raises:
        StorageUnavailable, StorageRefused: files may have stayed.

    """

    async def delete_files(run_id: UUID) -> None:
        await storage.delete_all(output_folder(run_id))
        on_progress()

    await gather_bounded(delete_files, erased, at_once=AT_ONCE)


def _is_mark(subject: str) -> bool:
    return subject.startswith(MARKS)
