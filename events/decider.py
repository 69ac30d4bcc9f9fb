"""The type of a decider: how facts change an aggregate, and which facts a command leads to."""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from events.subjects import aggregate

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")


def _no_status(_: object) -> str:
    return ""


class Decider(Struct, Generic[S, C, E], frozen=True, kw_only=True):
    """One kind of aggregate: how facts change it, and which facts a command leads to."""

    kind: str
    evolve: Callable[[S | None, E], S]
    decide: Callable[[S | None, C], Sequence[E]]
    status: Callable[[S], str] = _no_status
    """The word for the state that rides on each event, for those who follow."""

    def name(self, identifier: UUID) -> str:
        """Name the aggregate with this id."""
        return aggregate(self.kind, identifier)

    def fold(self, events: Iterable[E], start: S | None = None) -> S | None:
        """Fold *events* into the state they lead to."""
        return reduce(self.evolve, events, start)
