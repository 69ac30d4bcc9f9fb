"""Keeps what is private in a run beside the log, where it can be erased: inputs, texts, and what
its machine logged.
"""

from collections.abc import Mapping
from typing import TypeVar
from uuid import UUID

import msgspec

from events import subjects
from events.graph.externals.values import StoredValue
from infra.event_store import LogUnavailable, TooLarge
from infra.jetstream.calls import api, checked, request
from infra.jetstream.connection import Client
from infra.jetstream.error_codes import SUBJECT_FULL
from infra.jetstream.errors import ApiError, MessageTooLarge, Unanswered
from infra.jetstream.leader import REPLICA_WITHIN, last_of_subject
from infra.jetstream.listing import list_subjects

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode
_inputs = msgspec.json.Decoder(dict[str, StoredValue])
_texts = msgspec.json.Decoder(dict[int, str])
_log = msgspec.json.Decoder(str)


class PrivateData:
    """The private data of runs on JetStream, all of a run below one prefix of subjects."""

    def __init__(self, client: Client, *, within: float = 5.0) -> None:
        self._client = client
        self._within = within

    async def put_inputs(
        self, run_id: UUID, request_hash: str, values: Mapping[str, StoredValue]
    ) -> None:
        """Keep the inputs of a run; putting them again changes nothing.

        Two requests may fight for one Idempotency-Key, so inputs are kept under the hash of theirs.

        Raises:
            LogUnavailable: not confirmed in time.
            TooLarge: together they are larger than one message may be.

        """
        await self._put(subjects.inputs(run_id, request_hash), values)

    async def get_inputs(self, run_id: UUID, request_hash: str) -> dict[str, StoredValue] | None:
        """Return the inputs of a run, None when there are none.

        Raises:
            LogUnavailable: NATS does not answer.

        """
        return await self._get(subjects.inputs(run_id, request_hash), _inputs)

    async def put_texts(self, run_id: UUID, attempt: int, texts: Mapping[int, str]) -> None:
        """Keep the texts that an attempt produced, by output index; again changes nothing.

        Raises:
            LogUnavailable: not confirmed in time.
            TooLarge: together they are larger than one message may be.

        """
        await self._put(subjects.texts(run_id, attempt), texts)

    async def get_texts(self, run_id: UUID, attempt: int) -> dict[int, str]:
        """Return the texts that an attempt produced, by output index; empty when there are none.

        Raises:
            LogUnavailable: NATS does not answer.

        """
        return await self._get(subjects.texts(run_id, attempt), _texts) or {}

    async def put_log(self, run_id: UUID, attempt: int, text: str) -> None:
        """Keep what the machine of an attempt logged; the first that is put stays.

        Raises:
            LogUnavailable: not confirmed in time.
            TooLarge: it is larger than one message may be.

        """
        await self._put(subjects.machine_log(run_id, attempt), text)

    async def get_log(self, run_id: UUID, attempt: int) -> str | None:
        """Return what the machine of an attempt logged, None if it sent nothing.

        Raises:
            LogUnavailable: NATS does not answer.

        """
        return await self._get(subjects.machine_log(run_id, attempt), _log)

    async def erase_log(self, run_id: UUID, attempt: int) -> None:
        """Delete what the machine of an attempt logged.

        Raises:
            LogUnavailable: not confirmed in time.

        """
        await self._purge(subjects.machine_log(run_id, attempt))

    async def erase(self, run_id: UUID) -> None:
        """Delete all that is kept of a run.

        Raises:
            LogUnavailable: not confirmed in time.

        """
        await self._purge(subjects.private_data(run_id))

    async def erase_inputs(self, run_id: UUID) -> None:
        """Delete the inputs of a run, and keep the texts that it produced.

        Raises:
            LogUnavailable: not confirmed in time.

        """
        pattern = subjects.private_data(run_id)
        try:
            kept = await list_subjects(self._client, subjects.INPUTS, pattern, within=self._within)
        except (Unanswered, ApiError) as error:
            raise LogUnavailable(f"erasing was not confirmed: {error!r}") from error
        for subject in filter(subjects.is_of_inputs, kept):
            await self._purge(subject)

    async def _purge(self, pattern: str) -> None:
        which = {"filter": pattern}
        try:
            await api(self._client, f"STREAM.PURGE.{subjects.INPUTS}", which, within=self._within)
        except (Unanswered, ApiError) as error:
            raise LogUnavailable(f"erasing was not confirmed: {error!r}") from error

    async def _put(self, subject: str, data: object) -> None:
        try:
            answer = await request(self._client, subject, _encode(data), within=self._within)
            checked(answer.data)
        except ApiError as error:
            # It holds its one message: the same data, put by an earlier try.
            if error.code != SUBJECT_FULL:
                raise LogUnavailable(str(error)) from error
        except MessageTooLarge as error:
            raise TooLarge(subject) from error
        except Unanswered as error:
            raise LogUnavailable("private data was not confirmed") from error

    async def _get(self, subject: str, decoder: msgspec.json.Decoder[T]) -> T | None:
        """Read what any replica has; that there is nothing, only the leader can say."""
        data = await self._from_replica(subject)
        if data is None:
            stored = await last_of_subject(
                self._client, subjects.INPUTS, subject, within=self._within
            )
            data = stored.data if stored else None
        return None if data is None else decoder.decode(data)

    async def _from_replica(self, subject: str) -> bytes | None:
        operation = f"$JS.API.DIRECT.GET.{subjects.INPUTS}.{subject}"
        within = min(REPLICA_WITHIN, self._within)
        try:
            message = await request(self._client, operation, within=within)
        except Unanswered:
            return None
        return message.data if "Nats-Sequence" in (message.headers or {}) else None
