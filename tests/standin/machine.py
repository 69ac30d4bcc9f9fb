"""The parts of a stand-in, put together, and the one worker that executes prompts."""

import asyncio
from pathlib import Path
from uuid import uuid4

from tests.standin.executor import Executor
from tests.standin.folders import Folders
from tests.standin.hub import Hub
from tests.standin.prompt_queue import PromptQueue
from tests.standin.switches import Switches

_HISTORY_LAG = 0.001
"""Seconds between a run's last event and its history entry: clients must not count on either."""


class Machine:
    """Everything a stand-in keeps while it runs."""

    def __init__(self, directory: Path, switches: Switches) -> None:
        self.switches = switches
        self.folders = Folders(directory)
        self.folders.make()
        self.queue = PromptQueue(self._queue_changed)
        self.hub = Hub(lambda: self.switches, self.queue.remaining)
        self.executor = Executor(self.hub, self.folders, lambda: self.switches)
        self._numbers = 0

    def _queue_changed(self) -> None:
        self.hub.publish_status()

    def next_number(self) -> int:
        """Draw the next queue number. Refused prompts use one up, too."""
        self._numbers += 1
        return self._numbers - 1

    def new_id(self) -> str:
        """Make an id for a prompt that came without."""
        return str(uuid4())

    def interrupt(self, prompt_id: str | None = None) -> bool:
        """Stop the running prompt at its next step, if it is that one (None: whatever runs)."""
        running = self.queue.running
        if prompt_id is not None and (running is None or running.prompt_id != prompt_id):
            return False
        self.executor.interrupted = True
        return running is not None

    def cancel(self, prompt_id: str) -> bool:
        """Stop exactly this prompt, queued or running."""
        return self.queue.delete(prompt_id) or self.interrupt(prompt_id)

    async def work(self) -> None:
        """Execute prompts one after the other, for ever."""
        while True:
            prompt = await self.queue.take()
            entry = await self.executor.execute(prompt)
            await asyncio.sleep(_HISTORY_LAG)
            self.queue.finish(entry)
            if prompt.client_id is not None:
                over = {"node": None, "prompt_id": prompt.prompt_id}
                self.hub.publish("executing", over, prompt.client_id)
