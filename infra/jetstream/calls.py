"""All that is asked of NATS over a connection; each call raises errors of our own alone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from infra.jetstream.connection import Client
from infra.jetstream.errors import ApiError, NatsError, own_errors

OnMessage = Callable[[Msg], Awaitable[None]]


async def request(
    client: Client,
    subject: str,
    body: bytes = b"",
    *,
    within: float,
    headers: dict[str, str] | None = None,
) -> Msg:
    """Send a message and return its answer.

    Raises:
        Unanswered: none came *within* so many seconds.
        MessageTooLarge: the server takes no message of this size.

    """
    with own_errors():
        return await client.request(subject, body, timeout=within, headers=headers)


async def send(
    client: Client,
    subject: str,
    body: bytes = b"",
    *,
    reply: str = "",
    headers: dict[str, str] | None = None,
) -> None:
    """Send a message that has no answer, or has it at *reply*.

    Raises:
        Unanswered: there is no connection.
        MessageTooLarge: the server takes no message of this size.

    """
    with own_errors():
        await client.publish(subject, body, reply=reply, headers=headers)


async def api(client: Client, operation: str, body: object, *, within: float) -> dict[str, Any]:
    """Call $JS.API.*operation*.

    Raises:
        ApiError: JetStream refused.
        Unanswered: no answer came.

    """
    encoded = msgspec.json.encode(body)
    answer = await request(client, f"$JS.API.{operation}", encoded, within=within)
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


@asynccontextmanager
async def subscribed(
    client: Client, subject: str, *, unbounded: bool = False
) -> AsyncIterator[Subscription]:
    """Subscribe while the context lasts; next_message reads from the subscription.

    *unbounded*, it drops nothing, however much waits to be read.

    Raises:
        Unanswered: there is no connection.

    """
    subscription = await subscribe(client, subject, unbounded=unbounded)
    try:
        yield subscription
    finally:
        await unsubscribe(subscription)


async def subscribe(
    client: Client, subject: str, on_message: OnMessage | None = None, *, unbounded: bool = False
) -> Subscription:
    """Subscribe until unsubscribe.

    Raises:
        Unanswered: there is no connection.

    """
    limits = {"pending_msgs_limit": 0, "pending_bytes_limit": 0} if unbounded else {}
    with own_errors():
        return await client.subscribe(subject, cb=on_message, **limits)  # type: ignore[arg-type]


async def unsubscribe(subscription: Subscription) -> None:
    """End a subscription. A connection that is lost has none."""
    with suppress(NatsError), own_errors():
        await subscription.unsubscribe()


async def next_message(subscription: Subscription, *, within: float) -> Msg:
    """Wait for a message. Cancelled at any moment, it ends: see Client.request.

    Raises:
        Unanswered: none came.

    """
    with own_errors():
        async with asyncio.timeout(within):
            return await subscription.next_msg(timeout=None)
