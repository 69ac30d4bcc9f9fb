"""One connection to NATS that never gives up, and the JSON API calls nats-py has no name for."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import ParseResult, SplitResult, unquote, urlsplit

import msgspec
import nats.errors
from nats.aio.client import Client as Client  # noqa: PLC0414 -- the name others import
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from typing_extensions import override

log = logging.getLogger(__name__)

UNANSWERED = (
    TimeoutError,
    nats.errors.NoRespondersError,
    nats.errors.ConnectionClosedError,
    nats.errors.ConnectionReconnectingError,
    nats.errors.OutboundBufferLimitError,
    nats.errors.StaleConnectionError,
    ConnectionError,
)
"""What it looks like when NATS does not answer: the outcome is unknown."""


NATS_ERRORS = (nats.errors.Error, *UNANSWERED)
"""Whatever nats-py raises: NATS did not answer, or JetStream refused."""

NO_RESPONDERS_PAUSE = 0.05
"""Seconds between two tries of a request that nobody received, so that it may be repeated."""


SAY_AGAIN_AFTER = 60.0
"""Seconds until an error that goes on is logged once more: each address is tried several times a
second, and an outage would bury everything else."""


def _log_errors() -> Callable[[Exception], Awaitable[None]]:
    """Return what logs the errors of one connection."""
    said: dict[str, float] = {}

    async def on_error(error: Exception) -> None:
        told, now = repr(error), time.monotonic()
        if now - said.get(told, -math.inf) < SAY_AGAIN_AFTER:
            return
        for old in [old for old, at in said.items() if now - at >= SAY_AGAIN_AFTER]:
            del said[old]
        said[told] = now
        log.warning("nats.error", extra={"error": told})

    return on_error


async def _on_reconnect() -> None:
    log.info("nats.reconnected")


def _is_of_interest(record: logging.LogRecord) -> bool:
    """Return whether asyncio says more than that nats-py has closed a connection with TLS."""
    return not str(record.msg).startswith("returning true from eof_received()")


logging.getLogger("asyncio").addFilter(_is_of_interest)


@lru_cache(maxsize=256)
def _header_name(raw: bytes) -> str | None:
    try:
        name = raw.strip().decode("ascii")
    except UnicodeDecodeError:
        return None
    return None if any(character.isspace() for character in name) else name


class _Client(Client):
    """A client that reads each header's name once, and whose requests wait for a leader.

    They can be cancelled at any moment.

    nats-py 2.16 looks at every name of every message one character at a time, which was half of
    the time of reading the log (docs/benchmarks.md). Names repeat: there are about a dozen.
    """

    @override
    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        timeout: float | None = 0.5,
        old_style: bool = False,
        headers: dict[str, Any] | None = None,
    ) -> Msg:
        # Given a timeout, nats-py uses asyncio.wait_for, which up to Python 3.11 drops a
        # cancellation that comes together with the answer: the task would then never end.
        try:
            async with asyncio.timeout(timeout):
                while True:
                    try:
                        return await super().request(subject, payload, None, old_style, headers)  # type: ignore[arg-type]
                    except nats.errors.NoRespondersError:
                        if timeout is None:
                            raise
                    # A stream whose leader has left has none until the next is elected.
                    await asyncio.sleep(NO_RESPONDERS_PAUSE)
        except TimeoutError as error:
            raise nats.errors.TimeoutError from error

    @staticmethod
    @override
    def _parse_header_lines(raw: bytes) -> dict[str, str]:
        headers: dict[str, str] = {}
        for line in raw.split(b"\r\n"):
            name, separator, value = line.partition(b":")
            if separator and (key := _header_name(name)) is not None:
                headers[key] = value.strip().decode("utf-8", "replace")
        return headers


OPTIONS: dict[str, Any] = {
    # The default gives up after 60 tries and stays closed for ever.
    "max_reconnect_attempts": -1,
    "reconnect_time_wait": 0.25,
    "connect_timeout": 2,
    "ping_interval": 10,
    "reconnected_cb": _on_reconnect,
}
"""How every process of comfyd connects."""


@asynccontextmanager
async def connected(url: str, *, name: str) -> AsyncIterator[Client]:
    """Be connected while the context lasts; see connect."""
    client = await connect(url, name=name)
    try:
        yield client
    finally:
        await client.close()


async def connect(url: str, *, name: str) -> Client:
    """Connect to the servers in *url* (comma-separated); waits until one answers."""
    client = _Client()
    servers = url.split(",")

    async def on_disconnect() -> None:
        if not client.is_closed:  # Otherwise it was closed by us.
            log.info("nats.disconnected")

    try:
        await client.connect(
            servers,
            name=name,
            disconnected_cb=on_disconnect,
            error_cb=_log_errors(),
            **_sign_in(client, servers),
            **OPTIONS,
        )
    except BaseException:
        await client.close()  # Whoever does not wait any longer leaves no socket behind.
        raise
    return client


def _sign_in(client: Client, servers: list[str]) -> dict[str, Any]:
    """Sign in with the first credentials in *servers* wherever an address has none of its own.

    A cluster tells the addresses of all its nodes, without credentials; nats-py tries them too.
    Nor does it decode what is percent-encoded, as `@` and `/` in a password have to be.
    """
    given = [urlsplit(url if "://" in url else f"nats://{url}") for url in servers]
    first = next((url for url in given if url.username is not None), None)
    if first is None:
        return {}

    def user() -> str:
        return unquote(_own_or(first).username or "")

    def password() -> str:
        return unquote(_own_or(first).password or "")

    def _own_or(other: SplitResult) -> ParseResult | SplitResult:
        server = client._current_server  # noqa: SLF001 -- asked while it connects, when nothing public tells
        return server.uri if server and server.uri.username is not None else other

    # A user without a password is a token.
    return {"token": user} if first.password is None else {"user": user, "password": password}


async def next_message(subscription: Subscription, *, within: float) -> Msg:
    """Wait for a message. Cancelled at any moment, it ends: see _Client.request.

    Raises:
        UNANSWERED: none came.

    """
    async with asyncio.timeout(within):
        return await subscription.next_msg(timeout=None)


class ApiError(Exception):
    """JetStream said no."""

    def __init__(self, code: int, description: str) -> None:
        self.code = code
        super().__init__(f"{description} ({code})")


async def api(client: Client, operation: str, request: object, *, within: float) -> dict[str, Any]:
    """Call $JS.API.*operation*.

    Raises:
        ApiError: JetStream refused.
        UNANSWERED: nobody answered.

    """
    answer = await client.request(
        f"$JS.API.{operation}", msgspec.json.encode(request), timeout=within
    )
    return checked(answer.data)


def checked(data: bytes) -> dict[str, Any]:
    """Decode an answer of JetStream's.

    Raises:
        ApiError: the answer is a refusal.

    """
    decoded: dict[str, Any] = msgspec.json.decode(data)
    if error := decoded.get("error"):
        raise ApiError(error.get("err_code", 0), error.get("description", "refused"))
    return decoded
