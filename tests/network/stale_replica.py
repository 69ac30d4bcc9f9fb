"""A connection whose Direct Gets are answered by a replica that has stopped following its leader.

Everything else is the real server's. What the replica answers was measured on a real one
(tests/cluster/lossy/test_stale_replica.py): what it has is right; of the rest it says "not found".
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, cast

import msgspec
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from infra.jetstream.calls import next_message
from infra.jetstream.connection import Client

_STREAM_SEQUENCE, _CONSUMER_SEQUENCE = 5, 6
"""Places in the subject to which a message is acknowledged."""

_DIRECT_GET = "$JS.API.DIRECT.GET."
_END = {"Status": "204"}
_NOT_FOUND = {"Status": "404", "Description": "Message Not Found"}


class StaleReplica:
    """What a real connection gives, but one of *every* so many Direct Gets comes to the replica.

    One that *lacks* some of what it should have is broken.
    """

    def __init__(
        self,
        client: Client,
        *,
        position: int,
        every: int = 1,
        lacks: Collection[int] = (),
    ) -> None:
        self._client = client
        self._position = position
        self._lacks = lacks
        self._every = every
        self.asked = 0
        """Direct Gets, of whatever replica."""

    def __getattr__(self, name: str) -> Any:  # Any: whatever a client has
        return getattr(self._client, name)

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        *,
        timeout: float = 0.5,  # noqa: ASYNC109 -- as the client has it
        headers: dict[str, Any] | None = None,
    ) -> Msg:
        """Ask for one message, or for anything else."""
        answer = await self._client.request(subject, payload, timeout=timeout, headers=headers)
        if not self._is_asked(subject):
            return answer
        if int((answer.headers or {}).get("Nats-Sequence", 0)) > self._position:
            return Msg(self._client, headers=_NOT_FOUND)
        return answer

    async def publish(
        self,
        subject: str,
        payload: bytes = b"",
        reply: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Ask for many messages, or publish."""
        if not self._is_asked(subject):
            await self._client.publish(subject, payload, reply=reply, headers=headers)
            return
        request = msgspec.json.decode(payload)
        if "up_to_seq" in request:
            request["up_to_seq"] = min(request["up_to_seq"], self._position) or 1
        found = [m for m in await self._found(subject, request) if self._has(m)]
        for message in found:
            await self._client.publish(reply, message.data, headers=message.headers)
        await self._client.publish(reply, headers=_END if found else _NOT_FOUND)

    def _is_asked(self, subject: str) -> bool:
        if not subject.startswith(_DIRECT_GET):
            return False
        is_asked = self.asked % self._every == 0
        self.asked += 1
        return is_asked

    def _has(self, message: Msg) -> bool:
        position = int((message.headers or {})["Nats-Sequence"])
        return position <= self._position and position not in self._lacks

    async def _found(self, subject: str, request: object) -> list[Msg]:
        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox)
        await self._client.publish(subject, msgspec.json.encode(request), reply=inbox)
        found: list[Msg] = []
        while True:
            message = await next_message(subscription, within=5)
            if "Nats-Sequence" not in (message.headers or {}):
                await subscription.unsubscribe()
                return found
            found.append(message)


class StaleConsumers:
    """What a real connection gives, but the first consumers of the log come to a stale replica.

    They send heartbeats and nothing beyond a position, as a real one does. On a broken one they
    pass over what it *lacks*, and count on.
    """

    NODE = "behind"

    def __init__(
        self, client: Client, *, position: int, consumers: int, lacks: Collection[int] = ()
    ) -> None:
        self._client = client
        self._position = position
        self._lacks = lacks
        self._left = consumers
        self.cut_off = False
        """Whether the leader cannot be reached."""

        self._last_is_stale = False
        self.made = 0
        """Consumers, those on the stale replica included."""

    def __getattr__(self, name: str) -> Any:  # Any: whatever a client has
        return getattr(self._client, name)

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        *,
        timeout: float = 0.5,  # noqa: ASYNC109 -- as the client has it
        headers: dict[str, Any] | None = None,
    ) -> Msg:
        """Make a consumer, or ask for anything else."""
        if self.cut_off:
            raise TimeoutError
        answer = await self._client.request(subject, payload, timeout=timeout, headers=headers)
        if not subject.startswith("$JS.API.CONSUMER.CREATE."):
            return answer
        self.made += 1
        self._last_is_stale = self._left > 0
        if not self._last_is_stale:
            return answer
        self._left -= 1
        created = msgspec.json.decode(answer.data) | {"cluster": {"leader": self.NODE}}
        return Msg(self._client, data=msgspec.json.encode(created))

    async def subscribe(
        self, inbox: str, *, cb: Callable[[Msg], Awaitable[None]], **limits: Any
    ) -> Subscription:
        """Hear what the consumer sends that was made last."""

        lacked = 0

        async def hear(message: Msg) -> None:
            nonlocal lacked
            headers = message.headers or {}
            if "Status" in headers:
                if headers["Status"] == "100":
                    seen = min(int(headers["Nats-Last-Stream"]), self._position)
                    message.headers = headers | {"Nats-Last-Stream": str(seen)}
                await cb(message)
                return
            words = message.reply.split(".")
            position, count = int(words[_STREAM_SEQUENCE]), int(words[_CONSUMER_SEQUENCE])
            if position in self._lacks:
                lacked += 1
            elif position <= self._position:
                words[_CONSUMER_SEQUENCE] = str(count - lacked)
                message.reply = ".".join(words)
                await cb(message)

        heard = hear if self._last_is_stale else cb
        return await self._client.subscribe(inbox, cb=heard, **limits)


def stale(client: Client, *, position: int = 0, every: int = 1) -> Client:
    """Return a connection of which one of *every* so many Direct Gets meets a stale replica."""
    return cast("Client", StaleReplica(client, position=position, every=every))
