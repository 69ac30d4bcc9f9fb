"""Looks at what a machine can do, and records it when it has changed."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from consumers.bulkhead import Bulkhead
from consumers.delivery import RetryLater, growing_delay
from consumers.machines.driver_pool import DriverPool, MachineMissing, MachineUnusable
from events.aggregates import MACHINE
from events.envelope import Meta
from events.machine import state
from events.machine.decide import RecordSnapshot
from events.machine.snapshot import MachineSnapshot, bounded
from events.machine.state import MachineState
from infra.event_store import EventStore, load
from infra.jetstream.streams.declared import MAX_EVENTS_PER_AGGREGATE
from infra.jetstream.work.queue import WorkQueue
from infra.machine_driver import MachineRefused, MachineUnreachable, Observed
from infra.s3.keys import object_info_key
from infra.s3.port import ObjectStorage, StorageRefused, StorageUnavailable
from infra.telemetry.worker_metrics import Look

log = logging.getLogger(__name__)

TRIES = 4
"""Looks in a row at a machine that does not answer: it may only be starting again."""

STARTING = timedelta(minutes=2)
"""Age of a machine up to which it is looked at until it was seen once: people register a ComfyUI
while it starts, and with many custom nodes that takes a minute and more."""

RESERVE = 500
"""Events of a machine that are left for what people do with it: most of all, for removing it."""

_encode = msgspec.json.encode


class Observer(Struct, frozen=True, kw_only=True):
    """Looks at machines, and records what has changed of what they can do."""

    store: EventStore
    machines: DriverPool
    storage: ObjectStorage
    bulkhead: Bulkhead
    """Who may look at a machine now."""

    secret: bytes
    """Makes the names of stored descriptions unguessable."""

    worker: str
    now: Callable[[], datetime]
    new_id: Callable[[], UUID]
    queue: WorkQueue
    looked: Callable[[Look], None]

    async def observe(self, machine_id: UUID, delivery: int) -> None:
        """Look at a machine, and report what came of it; let go of one that was removed.

        Raises:
            RetryLater: it does not answer, the storage does not, or runs still wait for a machine
                that is gone; only a few times, or while the machine is new, since the next look
                comes by itself. Or too many machines of its owner are being looked at.
            LogUnavailable: the log does not answer.

        """
        try:
            known = await self.machines.find(machine_id)
        except MachineMissing as error:
            if not await self.queue.let_go(machine_id) and delivery < TRIES:
                raise RetryLater(growing_delay(delivery)) from error
            return
        if known.state is MachineState.DISABLED:
            return
        async with self.bulkhead.slot(known.id, self.machines.tenant_of(known), delivery):
            await self._look(known, delivery)

    async def _look(self, known: state.Machine, delivery: int) -> None:
        try:
            async with self.machines.using(known) as driver:
                observed = await driver.observe()
            self.looked(Look.SEEN)
            await self._record(known, observed)
        except MachineUnusable as error:
            self.looked(Look.UNUSABLE)
            log.warning("machine.unusable", extra=_about(known.id, error))
        except MachineRefused as error:
            # Another look now would find the same.
            self.looked(Look.REFUSED)
            log.warning("machine.answer_invalid", extra=_about(known.id, error))
        except (MachineUnreachable, StorageUnavailable, StorageRefused) as error:
            if isinstance(error, MachineUnreachable):
                self.looked(Look.UNREACHABLE)
            log.info("machine.not_observed", extra=_about(known.id, error))
            if delivery < TRIES or self._is_new(known):
                raise RetryLater(growing_delay(delivery)) from error

    def _is_new(self, known: state.Machine) -> bool:
        return known.snapshot is None and self.now() - known.created_at < STARTING

    async def _record(self, known: state.Machine, observed: Observed) -> None:
        session = await load(self.store, MACHINE, known.id)
        if session.existing.url != known.url:
            return  # It was moved while we looked, and the move has asked for a look of its own.
        if session.version >= MAX_EVENTS_PER_AGGREGATE - RESERVE:
            log.warning("machine.history_full", extra={"machine_id": str(known.id)})
            return
        body = _body(observed)
        sha256 = hashlib.sha256(body).hexdigest()
        key = object_info_key(session.tenant, sha256, secret=self.secret)
        if known.snapshot is None or known.snapshot.object_info_sha256 != sha256:
            # First the description: an event that named one that is not there would be a lie.
            await self.storage.put_bytes(key, body, "application/json")
        snapshot = self._snapshot(observed, key, sha256)
        meta = Meta(tenant=session.tenant, actor=self.worker, command_id=self.new_id())
        await session.execute(RecordSnapshot(snapshot=snapshot), meta)

    def _snapshot(self, observed: Observed, key: str, sha256: str) -> MachineSnapshot:
        models, omitted = bounded(observed.models)
        return MachineSnapshot(
            object_info_key=key,
            object_info_sha256=sha256,
            comfyui_version=observed.comfyui_version,
            python_version=observed.python_version,
            pytorch_version=observed.pytorch_version,
            os=observed.os,
            devices=observed.devices,
            models=models,
            models_omitted=omitted,
            node_classes=len(observed.node_classes),
            at=self.now(),
        )


def _body(observed: Observed) -> bytes:
    try:
        return _encode(observed.node_classes)
    except RecursionError as error:
        reason = "a node class is described in more levels than can be written"
        raise MachineRefused("machine_answer_invalid", reason) from error


def _about(machine_id: UUID, error: Exception) -> Mapping[str, Any]:
    return {"machine_id": str(machine_id), "error": str(error)}
