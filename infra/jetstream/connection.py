"""One connection to NATS that never gives up, unless asked to. What it is asked is in calls.py."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import ParseResult, SplitResult, unquote, urlsplit

import nats.aio.client
import nats.errors
from nats.aio.msg import Msg
from typing_extensions import override

from infra.jetstream.errors import SignInRefused, Unreachable, own_errors

log = logging.getLogger(__name__)

NO_RESPONDERS_PAUSE = 0.05
"""Seconds between two tries of a request that no receiver got, so that it may be repeated."""


REFUSED = "authorization violation"
"""What a server says to a wrong password, or to none."""

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


class Client(nats.aio.client.Client):
    """A connection to NATS: nats-py's client, with two faults of it mended.

    A request waits for a leader, and can be cancelled at any moment. And each header's name is
    read once: nats-py 2.16 looks at every name of every message one character at a time, which was
    half of the time of reading the log (docs/benchmarks.md). There are about a dozen names.
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
async def connected(url: str, *, name: str, within: float | None = None) -> AsyncIterator[Client]:
    """Be connected while the context lasts; see connect, and with *within* connect_within."""
    client = await (
        connect(url, name=name) if within is None else connect_within(within, url, name=name)
    )
    try:
        yield client
    finally:
        await client.close()


async def connect(url: str, *, name: str) -> Client:
    """Connect to the servers in *url* (comma-separated); waits until one answers.

    Raises:
        NatsError: *url* leads to no servers at all.

    """
    return await _connect(url, name=name, on_error=_log_errors())


async def connect_within(seconds: float, url: str, *, name: str) -> Client:
    """Connect as a command does that someone waits for: give up after so many seconds.

    Raises:
        Unreachable: none of the servers answered in time; the message is the last reason.
        SignInRefused: a server refuses the password. More time would not help.
        NatsError: *url* leads to no servers at all.

    """
    reason = "no answer in time"
    log_error = _log_errors()
    waiting = True

    async def on_error(error: Exception) -> None:
        nonlocal reason
        if not waiting:
            await log_error(error)
            return
        reason = str(error) or reason
        if REFUSED in reason.casefold():
            raise SignInRefused(reason) from error

    try:
        async with asyncio.timeout(seconds):
            return await _connect(url, name=name, on_error=on_error)
    except TimeoutError as error:
        raise Unreachable(reason) from error
    finally:
        waiting = False


async def _connect(
    url: str, *, name: str, on_error: Callable[[Exception], Awaitable[None]]
) -> Client:
    client = Client()
    servers = url.split(",")

    async def on_disconnect() -> None:
        if not client.is_closed:  # Otherwise it was closed by us.
            log.info("nats.disconnected")

    try:
        with own_errors():
            await client.connect(
                servers,
                name=name,
                disconnected_cb=on_disconnect,
                error_cb=on_error,
                **_sign_in(client, servers),
                **OPTIONS,
            )
    except BaseException:
        await client.close()  # A caller that waits no longer leaves no socket behind.
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
