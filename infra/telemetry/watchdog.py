"""Watches whether the process can still do its work, and ends it when only a new one could.

The checks look at what a process lives on: an answer over each connection, work that is taken.
What is away for all processes is waited for. What is wrong with this process alone ends it: no
state is lost with it, and its supervisor starts it again.
"""

import asyncio
import faulthandler
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from infra.telemetry.internal_server import Health

log = logging.getLogger(__name__)

OK = "ok"
STANDING_BY = "standing by"
READY = frozenset({OK, STANDING_BY})
STARTING = "starting"

LOOK_EVERY = 2.0
"""Seconds between two looks."""

EXIT_CODE = 75
"""Of a process that has given up; EX_TEMPFAIL: a new start mends it."""

STOP_WITHIN = 10.0
"""Seconds a process may take to close what it holds, however it ends."""

BLOCKED_AFTER = 60.0
"""Seconds without a look, as when the event loop is blocked, after which the process is killed."""

Check = Callable[[], Awaitable[str]]
"""Return `ok`, or what is wrong for now; raise GaveUp when it will stay so."""


class GaveUp(Exception):
    """This process cannot do its work any more, and a new one could."""


def check_of(fault: Callable[[], str]) -> Check:
    """Return a check that gives up once *fault* returns what is wrong, and not an empty text."""

    async def check() -> str:
        if found := fault():
            raise GaveUp(found)
        return OK

    return check


def kill_after(seconds: float) -> None:
    """Kill this process unless called again in time, with a trace of where it hangs on stderr.

    A thread of the interpreter's own does it, whatever else is blocked.
    """
    faulthandler.dump_traceback_later(seconds, exit=True)


class Watchdog:
    """The checks of one process, and what they last said."""

    def __init__(
        self, stop: asyncio.Event, *, kill_after: Callable[[float], None] = kill_after
    ) -> None:
        """Set *stop* when the process has to end; the checks end with it."""
        self.stop = stop
        self._kill_after = kill_after
        self._checks: dict[str, Check] = {}
        self._parts: dict[str, str] = {}
        self._gave_up = ""

    def watch(self, part: str, check: Check) -> None:
        """Look at *part* from now on."""
        self._checks[part] = check
        self._parts[part] = STARTING

    async def live(self) -> Health:
        """Return whether the process has not given up."""
        return Health(
            ok=not self._gave_up, parts={"gave_up": self._gave_up} if self._gave_up else {}
        )

    async def ready(self) -> Health:
        """Return whether every part was ok when it was last looked at."""
        parts = dict(self._parts) or {"startup": "waiting for NATS"}
        working = not self._gave_up and not self.stop.is_set()
        return Health(ok=working and READY.issuperset(parts.values()), parts=parts)

    async def guard(self, body: Coroutine[Any, Any, None]) -> None:
        """Run *body*, which ends soon after *stop*; one that does not is cancelled.

        Raises:
            GaveUp: a check, or *body* itself, gave up; the event `process.gave_up` was logged.

        """
        self._kill_after(BLOCKED_AFTER)
        working = asyncio.create_task(body)
        watching = asyncio.create_task(self._run())
        try:
            await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
            self.stop.set()
            # One that has not been answered yet holds nothing that it would have to close.
            await asyncio.wait({working}, timeout=STOP_WITHIN if self._checks else 0)
            for task in (watching, working):
                if task.done():
                    task.result()
        except GaveUp as error:
            self._give_up(error)
            raise
        finally:
            for task in (working, watching):
                task.cancel()
            await asyncio.wait({working, watching})

    async def look(self) -> None:
        """Look at every part once.

        Raises:
            GaveUp: one of them will not recover.

        """
        for part, check in list(self._checks.items()):
            self._note(part, await check())

    async def _run(self) -> None:
        while not self.stop.is_set():
            self._kill_after(BLOCKED_AFTER)
            try:
                await self.look()
            except GaveUp as error:
                self._give_up(error)
                raise
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self.stop.wait()

    def _give_up(self, error: GaveUp) -> None:
        if self._gave_up:
            return
        self._gave_up = str(error)
        log.critical("process.gave_up", extra={"reason": self._gave_up})
        self._kill_after(STOP_WITHIN)
        self.stop.set()

    def _note(self, part: str, said: str) -> None:
        before, self._parts[part] = self._parts[part], said
        if said == before or (before == STARTING and said in READY):
            return
        level = logging.INFO if said in READY else logging.WARNING
        log.log(level, "part.changed", extra={"part": part, "now": said, "before": before})
