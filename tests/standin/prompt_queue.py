"""The queue of prompts and the history of those that ran: both in memory, gone with the process."""

import asyncio
import bisect
from collections.abc import Callable, Collection
from typing import Any

from msgspec import Struct

HISTORY_LIMIT = 10_000
Entry = dict[str, Any]
"""What the history has of a prompt."""


class Prompt(Struct, frozen=True, eq=False, kw_only=True):
    """A prompt that was accepted."""

    number: float
    """Its place in the queue; lower comes first."""

    prompt_id: str
    graph: dict[str, Any]
    extra: dict[str, Any]
    """extra_data with client_id and create_time (in milliseconds)."""

    outputs: tuple[str, ...]
    account: str = ""
    """The key for partner nodes: for them alone, and shown nowhere."""

    @property
    def client_id(self) -> str | None:
        """Whose socket hears of it."""
        return self.extra.get("client_id")

    def listed(self) -> list[Any]:
        """Write it as /queue does."""
        return [self.number, self.prompt_id, self.graph, self.extra, list(self.outputs)]


class PromptQueue:
    """Prompts by number; equal numbers in order of arrival."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._filled = asyncio.Event()
        self.pending: list[Prompt] = []
        self.running: Prompt | None = None
        self.history: dict[str, Entry] = {}

    def remaining(self) -> int:
        """Count what is not finished."""
        return len(self.pending) + (self.running is not None)

    def put(self, prompt: Prompt) -> None:
        """Queue a prompt."""
        bisect.insort(self.pending, prompt, key=lambda p: p.number)
        self._filled.set()
        self._changed()

    async def take(self) -> Prompt:
        """Wait for the next prompt and make it the running one."""
        while not self.pending:
            self._filled.clear()
            await self._filled.wait()
        self.running = self.pending.pop(0)
        self._changed()
        return self.running

    def finish(self, entry: Entry) -> None:
        """Move the running prompt to the history."""
        assert self.running is not None
        if len(self.history) >= HISTORY_LIMIT:
            del self.history[next(iter(self.history))]
        self.history[self.running.prompt_id] = entry
        self.running = None
        self._changed()

    def delete(self, prompt_id: str) -> bool:
        """Take one pending prompt out; no trace of it remains."""
        for index, prompt in enumerate(self.pending):
            if prompt.prompt_id == prompt_id:
                del self.pending[index]
                self._changed()
                return True
        return False

    def clear(self) -> None:
        """Take all pending prompts out."""
        self.pending.clear()
        self._changed()

    def forget(self, prompt_ids: Collection[str]) -> None:
        """Take prompts out of the history."""
        for prompt_id in prompt_ids:
            self.history.pop(prompt_id, None)
