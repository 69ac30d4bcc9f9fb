"""The work queue: puts work where workers find it, and keeps the durable consumers.

Rendering has one consumer for each machine. Its limit of unacknowledged messages is the number of
runs a machine may hold at once over all workers: one that renders and one that waits behind it.
"""

from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from nats.aio.client import Client

from events import subjects
from infra.event_store import LogUnavailable
from infra.nats_connection import UNANSWERED, ApiError, api, checked

ACK_WAIT = 2.0
"""Seconds until work of a worker that died is given to another; living ones speak up meanwhile."""

RUNS_PER_MACHINE = 2
_RENDER_PREFIX = "render-"
_RENDER_SUBJECTS = "work.render."
_NO_SUCH_CONSUMER = 10014
_encode = msgspec.json.Encoder().encode
_decode_id = msgspec.json.Decoder(UUID).decode


class NoSuchConsumer(Exception):
    """The consumer is gone already."""


class KindOfWork(Struct, frozen=True, kw_only=True):
    """Work that is done in one queue for all machines."""

    consumer: str
    subject: str
    in_flight: int
    """Messages that may be unacknowledged at once, over all workers."""


# Most erasures wait for some seconds, and so do uploads from a machine that is busy or away; what
# waits keeps its place, and must not keep others from theirs.
UPLOADS = KindOfWork(consumer="upload", subject=subjects.UPLOAD_WORK, in_flight=10_000)
ERASURES = KindOfWork(consumer="erase", subject=subjects.ERASE_WORK, in_flight=1000)
BATCHES = KindOfWork(consumer="batch", subject=subjects.BATCH_WORK, in_flight=16)
OBSERVATIONS = KindOfWork(consumer="observe", subject=subjects.OBSERVE_WORK, in_flight=64)


class WorkQueue:
    """The queue, seen through one connection."""

    def __init__(self, client: Client, *, within: float = 5.0) -> None:
        self._client = client
        self._within = within

    async def put(self, subject: str, identifier: UUID, *, message_id: str) -> None:
        """Queue work for a run, a batch or a machine, once for each *message_id*.

        Raises:
            LogUnavailable: not confirmed in time; put it again.

        """
        headers = {"Nats-Msg-Id": message_id}
        try:
            answer = await self._client.request(
                subject, _encode(identifier), timeout=self._within, headers=headers
            )
            checked(answer.data)
        except (*UNANSWERED, ApiError) as error:
            raise LogUnavailable(f"work was not confirmed: {error!r}") from error

    async def bury(self, subject: str, body: bytes, *, message_id: str, error: str) -> None:
        """Keep work that nobody could do, with the *error*.

        Raises:
            LogUnavailable: not confirmed in time.

        """
        headers = {"Nats-Msg-Id": message_id, "x-error": " ".join(error.split())[:1000]}
        try:
            answer = await self._client.request(
                subjects.dead_letters(subject), body, timeout=self._within, headers=headers
            )
            checked(answer.data)
        except (*UNANSWERED, ApiError) as failure:
            raise LogUnavailable(f"dead letter was not confirmed: {failure!r}") from failure

    async def serve(self, kind: KindOfWork) -> None:
        """Make sure that a kind of work has its consumer."""
        await self._keep_consumer(kind.consumer, kind.subject, kind.in_flight)

    async def serve_machine(self, machine_id: UUID) -> None:
        """Make sure that a machine has its consumer."""
        name, subject = render_consumer(machine_id), subjects.render_work(machine_id)
        await self._keep_consumer(name, subject, RUNS_PER_MACHINE)

    async def machines(self) -> set[UUID]:
        """Give the machines that have a consumer.

        Raises:
            LogUnavailable: nobody answers.

        """
        found: set[UUID] = set()
        offset = 0
        while True:
            page = await self._call(f"CONSUMER.NAMES.{subjects.WORK}", {"offset": offset})
            names = page.get("consumers") or []
            found |= {
                UUID(name.removeprefix(_RENDER_PREFIX))
                for name in names
                if name.startswith(_RENDER_PREFIX)
            }
            offset += len(names)
            if not names or offset >= page["total"]:
                return found

    async def machines_with_work(self) -> set[UUID]:
        """Give the machines for which runs wait, served or not.

        Raises:
            LogUnavailable: nobody answers.

        """
        wanted = {"subjects_filter": f"{_RENDER_SUBJECTS}>"}
        info = await self._call(f"STREAM.INFO.{subjects.WORK}", wanted)
        waiting = info["state"].get("subjects") or {}
        return {UUID(subject.removeprefix(_RENDER_SUBJECTS)) for subject in waiting}

    async def let_go(self, machine_id: UUID) -> bool:
        """Take away the consumer of a machine unless runs still wait for it; tell whether it went.

        Raises:
            LogUnavailable: nobody answers.

        """
        if machine_id in await self.machines_with_work():
            return False
        with suppress(NoSuchConsumer):
            await self._call(f"CONSUMER.DELETE.{subjects.WORK}.{render_consumer(machine_id)}", {})
        return True

    async def _keep_consumer(self, name: str, subject: str, in_flight: int) -> None:
        config = {
            "durable_name": name,
            "filter_subject": subject,
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": int(ACK_WAIT * 1e9),
            "max_deliver": -1,
            "max_ack_pending": in_flight,
        }
        # Create or update: a framework would leave an old configuration in place.
        request = {"stream_name": subjects.WORK, "config": config}
        await self._call(f"CONSUMER.CREATE.{subjects.WORK}.{name}.{subject}", request)

    async def _call(self, operation: str, request: object) -> dict[str, Any]:
        try:
            return await api(self._client, operation, request, within=self._within)
        except (*UNANSWERED, ApiError) as error:
            if isinstance(error, ApiError) and error.code == _NO_SUCH_CONSUMER:
                raise NoSuchConsumer(operation) from error
            raise LogUnavailable(f"{operation}: {error!r}") from error


def render_consumer(machine_id: UUID) -> str:
    """Name the consumer of a machine."""
    return f"{_RENDER_PREFIX}{machine_id}"


def kind_of_work(subject: str) -> str:
    """Return the kind of the work on a subject: render, upload, erase, batch or observe."""
    return subject.split(".")[1]


def identifier_in(body: bytes) -> UUID:
    """Read out of a piece of work whose it is.

    Raises:
        msgspec.DecodeError: there is none.

    """
    return _decode_id(body)
