"""Files that a machine has stored itself, beside the outputs of its run, until a worker takes them.

A machine names them without their folders. So one is an output's only if no other has its name.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from mimetypes import guess_type

from events.run.output import Output
from events.run.state import Run
from infra.machine_driver import OutputStream
from infra.s3.keys import staged_folder, staged_key
from infra.s3.port import (
    ObjectMissing,
    ObjectStorage,
    StorageRefused,
    StorageUnavailable,
    StoredObject,
)
from infra.s3.served_types import UNKNOWN_TYPE

log = logging.getLogger(__name__)


class StagedFile:
    """A file that a machine has stored, being read; its type is that of its name, as ComfyUI's."""

    def __init__(self, stored: StoredObject, filename: str) -> None:
        self.media_type = guess_type(filename)[0] or UNKNOWN_TYPE
        self.length: int | None = stored.length
        self._stored = stored

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the file, piece by piece; raises StorageUnavailable."""
        return self._stored.chunks()


@asynccontextmanager
async def open_staged(
    storage: ObjectStorage, run: Run, output: Output
) -> AsyncIterator[OutputStream | None]:
    """Open what the machine has stored of an output; None if there is no such file.

    Raises (on entering):
        StorageUnavailable, StorageRefused: see ObjectStorage.

    """
    key = staged_key(run.id, run.attempt, output.filename)
    keys = [staged_key(run.id, run.attempt, o.filename) for o in run.outputs if o.is_file]
    async with AsyncExitStack() as exits:
        found: StoredObject | None = None
        if keys.count(key) == 1:
            with suppress(ObjectMissing):
                found = await exits.enter_async_context(storage.open(key))
        yield StagedFile(found, output.filename) if found and found.length else None


async def delete_staged(storage: ObjectStorage, run: Run) -> None:
    """Delete what a machine has stored, when all of it is; what is left is erased with the run."""
    try:
        await storage.delete_all(staged_folder(run.id))
    except (StorageUnavailable, StorageRefused) as error:
        log.info("staged.not_deleted", extra={"run_id": str(run.id), "error": str(error)})
