"""Streams a run's outputs from its machine into object storage; with the last the run ends."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from consumers.bulkhead import Bulkhead
from consumers.delivery import RetryLater, growing_delay
from consumers.machines.driver_pool import DriverPool, MachineUnusable
from consumers.run.commands import RunCommands, RunSession, run_error, timed
from consumers.run.follow import Cancellations, background
from consumers.run.outages import Outages, unreachable
from consumers.run.staged import delete_staged, open_staged
from events.aggregates import RUN
from events.run.commands import RecordUpload, SettleRun
from events.run.events import output_uploaded
from events.run.output import Output
from events.run.state import Run
from infra.event_store import EventStore, load
from infra.images.size import ImageSizeSniffer
from infra.machine_driver import (
    MachineDriver,
    MachineRefused,
    MachineUnreachable,
    OutputMissing,
    OutputStream,
)
from infra.s3.keys import output_folder, output_key
from infra.s3.port import ObjectStorage, StorageRefused, StorageUnavailable
from infra.settings.settings import Settings

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Files of one run on their way at the same time."""

WINDOW = 30.0
"""Seconds over which the speed is measured; without a byte for so long a file has stopped."""


class Limits(Struct, frozen=True, kw_only=True):
    """What one file may take."""

    bytes: int
    seconds: float
    bytes_per_second: float
    window: float = WINDOW


def limits_from(settings: Settings) -> Limits:
    """Read the limits from the settings."""
    return Limits(
        bytes=settings.output_bytes,
        seconds=settings.output_timeout,
        bytes_per_second=settings.output_speed,
    )


class Uploader(Struct, frozen=True, kw_only=True):
    """Stores what finished renders left behind on their machines."""

    store: EventStore
    machines: DriverPool
    storage: ObjectStorage
    bulkhead: Bulkhead
    """Shared out, so that no machine and no tenant holds up the others."""

    limits: Limits
    outages: Outages
    runs: RunCommands
    cancellations: Cancellations

    async def upload(self, run_id: UUID, delivery: int) -> None:
        """Store what a finished render left behind.

        Raises:
            RetryLater: the machine or the storage does not answer, or others go first.
            LogUnavailable: the log does not answer.

        """
        session = await load(self.store, RUN, run_id)
        run = session.state
        if run is None:
            return
        # A worker that stored something too late may have died before it could see that.
        await self._delete_late_files(session, delivery)
        if run.ended or not run.produced:
            return
        async with self.bulkhead.slot(run.machine_id, session.tenant, delivery):
            await session.load()
            await self._upload(session, delivery)

    async def _upload(self, session: RunSession, delivery: int) -> None:
        run = session.existing
        settled = False
        try:
            known = await self.machines.find(run.machine_id)
            async with self.machines.using(known) as machine:
                stored = await self._store_until_stopped(session, machine)
        except (OutputMissing, MachineUnusable) as error:
            await self.runs.lose(session, run.attempt, f"its outputs are gone: {error}")
        except MachineRefused as error:
            refused = run_error(error.code, f"outputs were not stored: {error}")
            await self.runs.fail(session, refused)
        except (MachineUnreachable, StorageUnavailable, StorageRefused) as error:
            log.warning("upload.postponed", extra={"run": session.name, "error": str(error)})
            await self.outages.wait(session, error, delivery)
            lasting = unreachable(error, f"outputs were not stored: {error}")
            await self.runs.fail(session, lasting)
        else:
            settle = SettleRun(now=self.runs.now())
            cause = self.runs.meta(session, "settle", run.attempt)
            settled = stored and bool(await session.execute(settle, cause))
        finally:
            if not settled:
                await session.load()
                await self._delete_late_files(session, delivery)

    async def _delete_late_files(self, session: RunSession, delivery: int) -> None:
        """Delete what was stored too late: the run was cancelled and erased meanwhile."""
        if session.existing.erased_at is None:
            return
        try:
            await self.storage.delete_all(output_folder(session.existing.id))
        except (StorageUnavailable, StorageRefused) as error:
            raise RetryLater(growing_delay(delivery)) from error

    async def _store_until_stopped(self, session: RunSession, machine: MachineDriver) -> bool:
        """Store all outputs; return whether that was done before the run was cancelled or ended."""
        async with (
            self.cancellations.watch(session) as cancellation,
            background(self._store_all(session, machine)) as storing,
        ):
            await asyncio.wait({storing, cancellation}, return_when=asyncio.FIRST_COMPLETED)
            if storing.done():
                storing.result()
            return storing.done()

    async def _store_all(self, session: RunSession, machine: MachineDriver) -> None:
        run = session.existing
        assert run.prompt_id is not None  # it was rendered
        staged = await machine.finish_uploads(run.prompt_id)
        slots = asyncio.Semaphore(AT_ONCE)

        async def store(output: Output) -> None:
            async with slots:
                await self._store_one(session, run, output, machine, staged=staged)

        missing = [o for o in run.outputs if o.is_file and o.index not in run.uploads]
        # The others go on when one fails: what is stored need not be stored again.
        results = await asyncio.gather(*map(store, missing), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        if staged:
            await delete_staged(self.storage, run)

    async def _store_one(
        self,
        session: RunSession,
        run: Run,
        output: Output,
        machine: MachineDriver,
        *,
        staged: bool,
    ) -> None:
        began = self.runs.now()
        sniffer = ImageSizeSniffer()
        # Without the name of the file: names are private, and erased with the run.
        with timed("run.upload", session, comfyd__output__index=output.index) as span:
            async with self._opened(run, output, machine, staged=staged) as stream:
                media_type = stream.media_type
                chunks = paced(
                    stream.chunks(), self.limits, name=output.filename, length=stream.length
                )
                stored = await self.storage.put_stream(
                    output_key(run.id, output.name), _sniffed(chunks, sniffer), media_type
                )
            span.set(comfyd__output__bytes=stored.bytes, comfyd__output__media_type=media_type)
        now = self.runs.now()
        size = sniffer.size or (None, None)
        uploaded = output_uploaded(
            replace(stored, width=size[0], height=size[1]),
            output,
            attempt=run.attempt,
            upload_duration=(now - began).total_seconds(),
            at=now,
        )
        cause = self.runs.meta(session, "upload", run.attempt, output.index)
        await session.execute(RecordUpload(upload=uploaded), cause)

    @asynccontextmanager
    async def _opened(
        self, run: Run, output: Output, machine: MachineDriver, *, staged: bool
    ) -> AsyncIterator[OutputStream]:
        """Open a file where the machine has *staged* it itself, or else on the machine."""
        async with AsyncExitStack() as exits:
            stream: OutputStream | None = None
            if staged:
                stream = await exits.enter_async_context(open_staged(self.storage, run, output))
            if stream is None:
                stream = await exits.enter_async_context(machine.open_output(output))
            yield stream


async def _sniffed(chunks: AsyncIterator[bytes], sniffer: ImageSizeSniffer) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        sniffer.feed(chunk)
        yield chunk


async def paced(
    chunks: AsyncIterator[bytes], limits: Limits, *, name: str, length: int | None
) -> AsyncIterator[bytes]:
    """Yield what *chunks* yields; only the time spent on waiting for the machine counts.

    Raises:
        MachineRefused: the file is too large.
        MachineUnreachable: it comes too slowly, or takes too long.

    """
    _check_size(length or 0, limits, name)
    size, waited = 0, 0.0
    measured_size, measured_at = 0, 0.0
    while True:
        chunk, seconds = await _next(chunks, limits, waited, name)
        if chunk is None:
            return
        size += len(chunk)
        waited += seconds
        _check_size(size, limits, name)
        if waited - measured_at >= limits.window:
            speed = (size - measured_size) / (waited - measured_at)
            if speed < limits.bytes_per_second:
                raise MachineUnreachable(
                    f"{name} comes at {speed:.0f} bytes a second; "
                    f"{limits.bytes_per_second:g} are the least (COMFYD_OUTPUT_SPEED)"
                )
            measured_size, measured_at = size, waited
        yield chunk


async def _next(
    chunks: AsyncIterator[bytes], limits: Limits, waited: float, name: str
) -> tuple[bytes | None, float]:
    """Return the next piece, None at the end, and the seconds it took."""
    clock = asyncio.get_running_loop().time
    began = clock()
    left = limits.seconds - waited
    try:
        async with asyncio.timeout(min(left, limits.window)):
            chunk = await anext(chunks, None)
    except TimeoutError:
        if left > limits.window:
            raise MachineUnreachable(f"{name}: not a byte for {limits.window:g} s") from None
        raise MachineUnreachable(
            f"{name} was not there after {limits.seconds:g} s (COMFYD_OUTPUT_TIMEOUT)"
        ) from None
    return chunk, clock() - began


def _check_size(size: int, limits: Limits, name: str) -> None:
    if size > limits.bytes:
        raise MachineRefused(
            "output_too_large",
            f"{name} has more than the {limits.bytes} bytes that an output may have "
            "(COMFYD_OUTPUT_BYTES)",
        )
