"""Files of a test's own in object storage, as outputs of runs that have ended."""

import hashlib
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

from infra.jetstream.event_store import JetStreamEventStore
from infra.s3.keys import output_key
from infra.s3.storage import open_object_storage
from infra.s3.urls import FILES, file_address, where_files_are
from infra.settings.settings import settings_from
from tests.builders.stored_runs import record_run
from tests.e2e.system import System

PIECE = 256 * 1024


async def store_run(
    system: System, log: JetStreamEventStore, name: str, content: bytes, media_type: str
) -> tuple[UUID, str]:
    """Store a file as the output of an ended run of ada's; give the run's id and the key."""
    run_id = uuid4()
    async with open_object_storage(settings_from(system.env).spaces) as storage:
        stored = await storage.put_stream(output_key(run_id, name), _pieces(content), media_type)
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    await record_run(log, run_id, name, stored)
    return run_id, stored.key


def file_path(system: System, key: str) -> str:
    """Return the path at which the API serves an output."""
    spaces = where_files_are(settings_from(system.env))
    return f"{FILES}/{file_address(spaces, key)}"


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]
