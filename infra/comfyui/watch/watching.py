"""Follow a prompt to its end: the WebSocket gives hints, HTTP the truth."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.run.progress import Progress
from infra.comfyui.watch.listening import Listener
from infra.comfyui.watch.node_times import node_times
from infra.comfyui.watch.progress import progress_of
from infra.machine_driver import (
    Failed,
    Finished,
    Interrupted,
    Lost,
    MachineUnreachable,
    Outcome,
    PromptState,
    Report,
    Running,
    Waiting,
)

PROGRESS_EVERY = 0.25
"""Least time between two reports of progress, in seconds."""

SETTLE_FIRST, SETTLE_LAST = 0.002, 0.1
"""Waits for the history of a prompt that is said to be over, in seconds, doubling."""

POLL_FIRST, POLL_LAST = 0.2, 2.0
"""Waits between questions while there is no connection, in seconds, doubling."""

LOST_AGAIN = 0.3
"""A prompt is lost when the machine does not know it twice, this far apart, in seconds."""


class Patience(Struct, frozen=True, kw_only=True):
    """How long to put up with what, in seconds."""

    silence: float = 5.0
    """Without an event of the prompt, before the machine is asked."""

    unreachable: float = 600.0
    """Without an answer, or with nothing being executed, before the machine is given up."""


class Watch:
    """One prompt being watched."""

    def __init__(
        self,
        listener: Listener,
        report: Report,
        *,
        look_up: Callable[[], Awaitable[PromptState]],
        is_idle: Callable[[], Awaitable[bool]],
        patience: Patience,
    ) -> None:
        self._listener = listener
        self._report = report
        self._look_up = look_up
        self._is_idle = is_idle
        self._patience = patience
        self._now = asyncio.get_running_loop().time
        start = self._now()

        self._asked_at = start
        """When the last question was put: what is heard later may not be in its answer."""

        self._asked = 0
        """How many questions in a row brought nothing new."""

        self._reconciled = 0
        """The connection after which we asked last."""

        self._good_at = start
        """When the machine last gave a sign that it works."""

        self._lost_at: float | None = None
        self._answers = True
        self._reported_away = False
        self._running = False
        self._reported: Progress | None = None
        self._reported_at = start - PROGRESS_EVERY

    async def to_the_end(self) -> Outcome:
        """Watch until the prompt is over.

        Raises:
            MachineUnreachable: the machine gave no sign of working for too long.

        """
        while True:
            await self._tell()
            if self._now() >= self._ask_at():
                outcome = await self._ask()
                if outcome is not None:
                    return self._with_times(outcome)
            else:
                await self._listener.wait(min(self._ask_at(), self._tell_at()))

    def _with_times(self, outcome: Outcome) -> Outcome:
        clock = self._listener.clock
        match outcome:
            case Finished():
                return replace(outcome, nodes=node_times(clock, cached=outcome.cached))
            case Failed():
                return replace(outcome, nodes=node_times(clock))
            case _:
                return outcome

    async def _tell(self) -> None:
        heard = self._listener.heard
        if heard.started and not self._running:
            await self._tell_running()
        if self._now() >= self._tell_at():
            self._reported, self._reported_at = progress_of(heard), self._now()
            await self._report.progress(self._reported)

    async def _tell_running(self) -> None:
        self._running = True
        await self._report.running()

    def _tell_at(self) -> float:
        heard = self._listener.heard
        nothing_new = not heard.percent and not heard.node_id
        if heard.over or nothing_new or progress_of(heard) == self._reported:
            return float("inf")
        return self._reported_at + PROGRESS_EVERY

    def _ask_at(self) -> float:
        listener = self._listener
        if listener.connections > self._reconciled:
            return self._asked_at
        if listener.heard.over and self._answers:
            return self._asked_at + _growing(SETTLE_FIRST, SETTLE_LAST, self._in_vain())
        if self._lost_at is not None:
            return self._lost_at + LOST_AGAIN
        if not (listener.connected and self._answers):
            return self._asked_at + _growing(POLL_FIRST, POLL_LAST, self._in_vain())
        return max(self._asked_at, listener.last_word) + self._patience.silence

    def _in_vain(self) -> int:
        return 0 if self._listener.last_word >= self._asked_at else self._asked

    async def _ask(self) -> Outcome | None:
        silent = self._reconciled == self._listener.connections
        self._reconciled = self._listener.connections
        self._asked = self._in_vain() + 1 if silent else 1
        self._asked_at = self._now()
        try:
            state = await self._look_up()
            idle = isinstance(state, Waiting) and await self._is_idle()
        except MachineUnreachable as error:
            await self._unanswered(error)
            return None
        await self._answered()
        if idle:
            self._wonder_whether_it_works()
        else:
            self._good_at = self._now()
        return await self._judge(state, silent=silent)

    async def _answered(self) -> None:
        self._answers = True
        if self._reported_away:
            self._reported_away = False
            await self._report.reachable()

    async def _unanswered(self, error: MachineUnreachable) -> None:
        self._answers = False
        self._lost_at = None
        if self._quiet_for() > self._patience.unreachable:
            raise error
        if not self._reported_away and self._quiet_for() > self._patience.silence:
            self._reported_away = True
            await self._report.unreachable(str(error))

    async def _judge(self, state: PromptState, *, silent: bool) -> Outcome | None:
        match state:
            case Finished() | Failed() | Interrupted():
                return state
            case Lost():
                return self._suspect(state)
            case Waiting():
                self._lost_at = None
            case Running():
                self._lost_at = None
                await self._check_the_ear(silent=silent)
            case _:
                assert_never(state)
        return None

    def _suspect(self, lost: Lost) -> Lost | None:
        now = self._now()
        if self._lost_at is None:
            self._lost_at = now
        return lost if now - self._lost_at >= LOST_AGAIN else None

    def _wonder_whether_it_works(self) -> None:
        """Raise for a machine that lets prompts wait and executes nothing."""
        if self._quiet_for() > self._patience.unreachable:
            raise MachineUnreachable(
                f"the machine has a prompt waiting but executed nothing for "
                f"{self._patience.unreachable:.0f} s: its worker thread is dead; restart it"
            )

    def _quiet_for(self) -> float:
        """Return the seconds since the machine last gave a sign that it works."""
        return self._now() - max(self._good_at, self._listener.last_word)

    async def _check_the_ear(self, *, silent: bool) -> None:
        if not self._running:
            await self._tell_running()
        if silent and self._listener.connected and not self._listener.heard.over:
            await self._listener.reconnect()


def _growing(first: float, last: float, times: int) -> float:
    return min(first * 2.0 ** min(times, 30), last)
