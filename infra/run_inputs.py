"""Keeps the inputs of runs beside the log: they are private, and must be erasable."""

from collections.abc import Mapping
from uuid import UUID

import msgspec
import nats.errors
from nats.aio.client import Client

from events import subjects
from events.input_values import StoredValue
from infra.event_store import LogUnavailable, TooLarge
from infra.nats_connection import UNANSWERED, ApiError, checked

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, StoredValue]).decode

FULL = 10077
"""The subject holds its one message: the same inputs, put by an earlier try."""


class RunInputs:
    """The inputs of runs on JetStream, one message for each request.

    Two requests may fight for one Idempotency-Key, so inputs are kept under the hash of theirs.
    """

    def __init__(self, client: Client, *, within: float = 5.0) -> None:
        self._client = client
        self._within = within

    async def put(self, run_id: UUID, request_hash: str, values: Mapping[str, StoredValue]) -> None:
        """Keep the inputs of a run; putting them again changes nothing.

        Raises:
            LogUnavailable: not confirmed in time.
            TooLarge: together they are larger than one message may be.

        """
        try:
            answer = await self._client.request(
                subjects.inputs(run_id, request_hash), _encode(values), timeout=self._within
            )
            checked(answer.data)
        except ApiError as error:
            if error.code != FULL:
                raise LogUnavailable(str(error)) from error
        except nats.errors.MaxPayloadError as error:
            raise TooLarge("the inputs") from error
        except UNANSWERED as error:
            raise LogUnavailable("the inputs were not confirmed") from error

    async def get(self, run_id: UUID, request_hash: str) -> dict[str, StoredValue] | None:
        """Give the inputs of a run, None when there are none.

        Raises:
            LogUnavailable: nobody answers.

        """
        subject = subjects.inputs(run_id, request_hash)
        try:
            message = await self._client.request(
                f"$JS.API.DIRECT.GET.{subjects.INPUTS}.{subject}", timeout=self._within
            )
        except UNANSWERED as error:
            raise LogUnavailable("the inputs cannot be read") from error
        if "Nats-Sequence" not in (message.headers or {}):
            return None
        return _decode(message.data)
