"""Given-when-then for deciders: given these facts, when this command, then these facts."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec
import pytest

from events.decider import Decider
from events.errors import CommandRefused

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")


class When(Generic[S, C, E]):
    """A command, asked of what has happened."""

    def __init__(self, decider: Decider[S, C, E], events: Sequence[E], command: C) -> None:
        self._decider = decider
        self._events = events
        self._command = command

    def then(self, *expected: E) -> None:
        """Expect exactly these facts, and that they can be folded."""
        state = self._decider.fold(self._events)
        decided = list(self._decider.decide(state, self._command))
        assert decided == list(expected), f"{self._command} led to {decided}"
        self._decider.fold(decided, state)

    def then_nothing(self) -> None:
        """Expect silence."""
        self.then()

    def then_refused(self, refusal: type[CommandRefused], saying: str = "") -> None:
        """Expect a refusal that leaves the state as it was."""
        state = self._decider.fold(self._events)
        before = msgspec.json.encode(state)
        with pytest.raises(refusal, match=saying or None):
            self._decider.decide(state, self._command)
        assert msgspec.json.encode(state) == before


class Given(Generic[S, C, E]):
    """What has happened."""

    def __init__(self, decider: Decider[S, C, E], events: Sequence[E]) -> None:
        self._decider = decider
        self._events = events

    def when(self, command: C) -> When[S, C, E]:
        """Ask something."""
        return When(self._decider, self._events, command)


def given(decider: Decider[S, C, E], *events: E) -> Given[S, C, E]:
    """Begin with what has happened."""
    return Given(decider, events)
