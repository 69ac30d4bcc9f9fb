"""The work queue: puts work where workers find it, and keeps the durable consumers."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from events import subjects
from events.work import RENDERS, Piece, is_due, machine_of, owner_of, renders_of
from infra.event_store import LogUnavailable
from infra.jetstream.calls import api, checked, request
from infra.jetstream.connection import Client
from infra.jetstream.error_codes import (
    DUPLICATE_IN_FLIGHT,
    NO_CONSUMER,
    WRONG_SEQUENCE,
    WRONG_SEQUENCE_IN_FLIGHT,
)
from infra.jetstream.errors import ApiError, Unanswered, own_errors
from infra.jetstream.listing import list_consumer_names, list_consumers, list_subjects
from infra.jetstream.work.consumers import (
    KINDS,
    RENDER_PREFIX,
    KindOfWork,
    consumer_of,
    consumer_of_machine,
    differs,
    render_consumer,
)

_BEING_PUT = {DUPLICATE_IN_FLIGHT, WRONG_SEQUENCE_IN_FLIGHT}
"""With replicas: another puts the same id, or on the same subject, and it is not stored yet."""

_BEING_PUT_PAUSE = 0.05
_encode = msgspec.json.Encoder().encode
_decode_id = msgspec.json.Decoder(UUID).decode


class NoSuchConsumer(Exception):
    """The consumer is gone already."""


class Queued(Struct, frozen=True, kw_only=True):
    """The work there is, waiting or in hand, without what is extra."""

    owners: frozenset[UUID]
    """Runs and batches that have a piece of work of their own."""

    machines: frozenset[UUID]
    """Machines for which runs wait."""

    shared: frozenset[str]
    """Subjects that hold work of many: whose, cannot be seen."""


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
        try:
            await self._store(subject, identifier, {"Nats-Msg-Id": message_id})
        except (Unanswered, ApiError) as error:
            raise LogUnavailable(f"work was not confirmed: {error!r}") from error

    async def put_piece(self, piece: Piece, *, message_id: str | None = None) -> bool:
        """Queue a piece of work unless it is there; return whether it was not.

        With a *message_id* it is not queued again for ten minutes, even after it was done.

        Raises:
            LogUnavailable: not confirmed in time; put it again.

        """
        # The server compares and stores in one step, so many may put the same piece at once.
        headers = {"Nats-Expected-Last-Subject-Sequence": "0"}
        if message_id is not None:
            headers["Nats-Msg-Id"] = message_id
        try:
            stored = await self._store(piece.subject, piece.identifier, headers)
        except (Unanswered, ApiError) as error:
            if isinstance(error, ApiError) and error.code == WRONG_SEQUENCE:
                return False
            raise LogUnavailable(f"work was not confirmed: {error!r}") from error
        return not stored.get("duplicate")

    async def _store(
        self, subject: str, identifier: UUID, headers: dict[str, str]
    ) -> dict[str, Any]:
        body = _encode(identifier)
        with own_errors():
            async with asyncio.timeout(self._within):
                while True:
                    answer = await request(
                        self._client, subject, body, within=self._within, headers=headers
                    )
                    try:
                        return checked(answer.data)
                    except ApiError as error:
                        if error.code not in _BEING_PUT:
                            raise
                    # Whether that is stored is not known yet, and it may come to nothing.
                    await asyncio.sleep(_BEING_PUT_PAUSE)

    async def bury(self, subject: str, body: bytes, *, message_id: str, error: str) -> None:
        """Keep work that could not be done, with the *error*.

        Raises:
            LogUnavailable: not confirmed in time.

        """
        headers = {"Nats-Msg-Id": message_id, "x-error": " ".join(error.split())[:1000]}
        try:
            answer = await request(
                self._client,
                subjects.dead_letters(subject),
                body,
                within=self._within,
                headers=headers,
            )
            checked(answer.data)
        except (Unanswered, ApiError) as failure:
            raise LogUnavailable(f"dead letter was not confirmed: {failure!r}") from failure

    async def serve(self, kind: KindOfWork) -> None:
        """Make sure that a kind of work has its consumer."""
        await self._keep_consumer(consumer_of(kind))

    async def serve_machine(self, machine_id: UUID) -> None:
        """Make sure that a machine has its consumer."""
        await self._keep_consumer(consumer_of_machine(machine_id))

    async def keep_consumers(self, machine_ids: Iterable[UUID]) -> set[UUID]:
        """Make sure that every consumer is there and as it should be; return whose was missing.

        An earlier version that is started beside us brings them back to what it knows.

        Raises:
            LogUnavailable: NATS does not answer.

        """
        present = await self._consumers()
        machines = {machine_id: consumer_of_machine(machine_id) for machine_id in machine_ids}
        for wanted in [*map(consumer_of, KINDS), *machines.values()]:
            if differs(wanted, present.get(wanted["durable_name"])):
                await self._keep_consumer(wanted)
        return {m for m, wanted in machines.items() if wanted["durable_name"] not in present}

    async def machines(self) -> set[UUID]:
        """Return the machines that have a consumer.

        Raises:
            LogUnavailable: NATS does not answer.

        """
        try:
            names = await list_consumer_names(self._client, subjects.WORK, within=self._within)
        except (Unanswered, ApiError) as error:
            raise LogUnavailable(f"consumers of work: {error!r}") from error
        return {
            UUID(name.removeprefix(RENDER_PREFIX))
            for name in names
            if name.startswith(RENDER_PREFIX)
        }

    async def queued(self) -> Queued:
        """Return what is due and there, as the leader of the stream knows it.

        Raises:
            LogUnavailable: NATS does not answer.

        """
        present = set(filter(is_due, await self._subjects("work.>")))
        owners = {subject: owner_of(subject) for subject in present}
        return Queued(
            owners=frozenset(owner for owner in owners.values() if owner),
            machines=frozenset(m for m in map(machine_of, present) if m),
            shared=frozenset(subject for subject, owner in owners.items() if not owner),
        )

    async def count(self, kind: KindOfWork) -> int:
        """Return how many pieces of a kind wait, or are in hand.

        Raises:
            LogUnavailable: NATS does not answer.

        """
        return len(await self._subjects(f"{kind.subject}.>"))

    async def _subjects(self, pattern: str) -> set[str]:
        try:
            return await list_subjects(self._client, subjects.WORK, pattern, within=self._within)
        except (Unanswered, ApiError) as error:
            raise LogUnavailable(f"subjects of work: {error!r}") from error

    async def let_go(self, machine_id: UUID) -> bool:
        """Delete the consumer of a machine unless runs still wait for it; return whether it did.

        Raises:
            LogUnavailable: NATS does not answer.

        """
        for pattern in (subjects.render_work(machine_id), renders_of(machine_id)):
            if await self._subjects(pattern):
                return False
        with suppress(NoSuchConsumer):
            await self._call(f"CONSUMER.DELETE.{subjects.WORK}.{render_consumer(machine_id)}", {})
        return True

    async def _consumers(self) -> dict[str, dict[str, Any]]:
        """Return the configuration of every consumer, by its name."""
        found = list_consumers(self._client, subjects.WORK, within=self._within)
        try:
            return {info["name"]: info["config"] async for info in found}
        except (Unanswered, ApiError) as error:
            raise LogUnavailable(f"consumers of work: {error!r}") from error

    async def _keep_consumer(self, config: dict[str, Any]) -> None:
        # Create or update: a framework would leave an old configuration in place.
        name, filters = config["durable_name"], config["filter_subjects"]
        operation = f"CONSUMER.CREATE.{subjects.WORK}.{name}"
        wanted = {"stream_name": subjects.WORK, "config": config}
        before = await self._filters(name)
        await self._call(operation, wanted)
        if before not in (None, filters) and await self._subjects(filters[-1]):
            # It does not go back to what it has passed by before; a new one does.
            with suppress(NoSuchConsumer):
                await self._call(f"CONSUMER.DELETE.{subjects.WORK}.{name}", {})
            await self._call(operation, wanted)

    async def _filters(self, name: str) -> list[str] | None:
        """Return what a consumer serves, None if there is none of that name."""
        try:
            info = await self._call(f"CONSUMER.INFO.{subjects.WORK}.{name}", {})
        except NoSuchConsumer:
            return None
        return info["config"].get("filter_subjects") or []

    async def _call(self, operation: str, body: object) -> dict[str, Any]:
        try:
            return await api(self._client, operation, body, within=self._within)
        except (Unanswered, ApiError) as error:
            if isinstance(error, ApiError) and error.code == NO_CONSUMER:
                raise NoSuchConsumer(operation) from error
            raise LogUnavailable(f"{operation}: {error!r}") from error


def kind_of_work(subject: str) -> str:
    """Return the kind of the work on a subject, such as render or upload."""
    kind = subject.split(".")[1]
    return "render" if subject.startswith(f"{RENDERS}.") else kind


def identifier_in(body: bytes) -> UUID:
    """Read out of a piece of work whose it is.

    Raises:
        msgspec.DecodeError: there is none.

    """
    return _decode_id(body)
