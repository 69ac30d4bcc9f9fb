"""Streams a run's outputs from its machine into object storage; with the last the run ends."""

import asyncio
import logging
from collections.abc import AsyncIterator
from uuid import UUID

from consumers.delivery import Later, growing_delay
from consumers.machines import MachineUnusable
from consumers.outages import note_outage
from consumers.tools import RunSession, Tools, meta
from events.decider import RUN
from events.output import Output
from events.run import Run
from events.run_commands import FailRun, LoseAttempt, RecordUpload, SettleRun
from events.run_events import FileUploaded, ImageUploaded, RunError
from infra.event_store import load
from infra.image_size import ImageSizeSniffer
from infra.machine import Machine, MachineUnreachable, OutputMissing
from infra.object_keys import output_folder, output_key
from infra.object_storage import StorageRefused, StorageUnavailable

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Files of one run on their way at the same time."""

TRIES = 12
"""Deliveries after which storage that refuses ends the run: about four minutes."""


async def upload(run_id: UUID, delivery: int, tools: Tools) -> None:
    """Store what a finished render left behind.

    Raises:
        Later: the machine or the storage does not answer.
        LogUnavailable: the log does not answer.

    """
    session = await load(tools.store, RUN, run_id)
    run = session.state
    if run is None:
        return
    # A worker that stored something too late may have died before it could see that.
    await _forget_erased(session, delivery, tools)
    if run.ended or not run.produced:
        return
    settled = False
    try:
        known = await tools.machines.find(run.machine_id)
        async with tools.machines.using(known) as machine:
            await _store_all(session, run, machine, tools)
    except (OutputMissing, MachineUnusable) as error:
        lost = LoseAttempt(
            attempt=run.attempt, reason=f"its outputs are gone: {error}", now=tools.now()
        )
        await session.execute(lost, meta(tools, session))
    except (MachineUnreachable, StorageUnavailable, StorageRefused) as error:
        await _later_or_fail(session, delivery, error, tools)
    else:
        settle = SettleRun(now=tools.now())
        settled = bool(await session.execute(settle, meta(tools, session, "settle", run.attempt)))
    finally:
        if not settled:
            await session.load()
            await _forget_erased(session, delivery, tools)


async def _forget_erased(session: RunSession, delivery: int, tools: Tools) -> None:
    """Delete what was stored too late: the run was cancelled and erased meanwhile."""
    if session.existing.erased_at is None:
        return
    try:
        await tools.storage.delete_all(output_folder(session.existing.id))
    except (StorageUnavailable, StorageRefused) as error:
        raise Later(growing_delay(delivery)) from error


async def _store_all(session: RunSession, run: Run, machine: Machine, tools: Tools) -> None:
    slots = asyncio.Semaphore(AT_ONCE)

    async def store(output: Output) -> None:
        async with slots:
            await _store_one(session, run, output, machine, tools)

    missing = [o for o in run.outputs if o.is_file and o.index not in run.uploads]
    # The others go on when one fails: what is stored need not be stored again.
    results = await asyncio.gather(*map(store, missing), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _store_one(
    session: RunSession, run: Run, output: Output, machine: Machine, tools: Tools
) -> None:
    began = tools.now()
    sniffer = ImageSizeSniffer()
    async with machine.open_output(output) as stream:
        media_type = stream.media_type
        stored = await tools.storage.put_stream(
            output_key(run.id, output.name), _sniffed(stream.chunks(), sniffer), media_type
        )
    now = tools.now()
    duration = (now - began).total_seconds()
    uploaded: ImageUploaded | FileUploaded
    if media_type.startswith("image/"):
        size = sniffer.size
        uploaded = ImageUploaded(
            role="output",
            name=output.name,
            key=stored.key,
            media_type=media_type,
            bytes=stored.bytes,
            sha256=stored.sha256,
            width=size[0] if size else None,
            height=size[1] if size else None,
            upload_duration=duration,
            attempt=run.attempt,
            index=output.index,
            at=now,
        )
    else:
        uploaded = FileUploaded(
            name=output.name,
            key=stored.key,
            media_type=media_type,
            bytes=stored.bytes,
            sha256=stored.sha256,
            upload_duration=duration,
            attempt=run.attempt,
            index=output.index,
            at=now,
        )
    cause = meta(tools, session, "upload", run.attempt, output.index)
    await session.execute(RecordUpload(upload=uploaded), cause)


async def _sniffed(chunks: AsyncIterator[bytes], sniffer: ImageSizeSniffer) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        sniffer.feed(chunk)
        yield chunk


async def _later_or_fail(
    session: RunSession, delivery: int, error: Exception, tools: Tools
) -> None:
    log.warning("upload.postponed", extra={"run": session.name, "error": str(error)})
    if delivery < TRIES:
        await note_outage(session, error, tools)
        raise Later(growing_delay(delivery)) from error
    away = "machine" if isinstance(error, MachineUnreachable) else "storage"
    reason = RunError(code=f"{away}_unreachable", message=f"outputs were not stored: {error}")
    await session.execute(FailRun(error=reason, now=tools.now()), meta(tools, session))
