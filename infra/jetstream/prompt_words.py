"""What callbacks of machines say of prompts, passed on to the worker that follows them; a hint."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from nats.aio.msg import Msg

from events import subjects
from infra.jetstream.calls import send, subscribe, unsubscribe
from infra.jetstream.connection import Client

OnWords = Callable[[str], None]


class PromptWords:
    """Passes on what is said of prompts, at most once."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def say(self, prompt_id: UUID, words: bytes) -> None:
        """Pass on *words*; without a connection, or a worker that listens, they are lost.

        Raises:
            Unanswered, MessageTooLarge: they are lost.

        """
        if self._client.is_connected:
            await send(self._client, subjects.live_prompt(prompt_id), words)

    @asynccontextmanager
    async def hear(self, prompt_id: UUID, on_words: OnWords) -> AsyncIterator[None]:
        """Call *on_words* with all that is said of a prompt during the block.

        Raises:
            Unanswered: there is no connection.

        """

        async def on_message(message: Msg) -> None:
            on_words(message.data.decode(errors="replace"))

        subject = subjects.live_prompt(prompt_id)
        subscription = await subscribe(self._client, subject, on_message)
        try:
            yield
        finally:
            await unsubscribe(subscription)
