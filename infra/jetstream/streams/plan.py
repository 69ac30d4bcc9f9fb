"""Compares a stream with its declaration, and finds which changes would keep less than before."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from typing_extensions import override


def _limit(value: Any) -> float:
    """Return how much a limit keeps: JetStream writes "no limit" as 0 or -1."""
    return value if value and value > 0 else math.inf


_KEEPS: Mapping[str, Callable[[Any], float]] = {
    "num_replicas": lambda value: value or 1,
    "storage": lambda value: value == "file",
    # A work queue deletes what was done, "interest" what every consumer has seen.
    "retention": lambda value: value == "limits",
    "max_age": _limit,
    "max_msgs": _limit,
    "max_bytes": _limit,
    "max_msgs_per_subject": _limit,
    # "old" makes room for new messages by deleting old ones.
    "discard": lambda value: value == "new",
    "discard_new_per_subject": bool,
    "deny_delete": bool,
    "deny_purge": bool,
    # What is sent again later than this is stored twice.
    "duplicate_window": lambda value: value or 0,
}
"""How much a stream keeps by each of these fields: the more, the higher the number."""

LOWERABLE = tuple(sorted(_KEEPS))
"""The fields in which a change may lose something."""


_NANOSECONDS = frozenset({"max_age", "duplicate_window"})


def shown(field: str, value: Any) -> str:
    """Return a field's value as people read it."""
    if field in _NANOSECONDS and isinstance(value, int):
        return f"{value // 1_000_000_000} s"
    return "" if value is None else str(value)


class Change(Struct, frozen=True, kw_only=True):
    """One field of a stream that is not as declared."""

    field: str
    now: Any
    then: Any

    @override
    def __str__(self) -> str:
        return f"{self.field} {shown(self.field, self.now)} → {shown(self.field, self.then)}"

    @property
    def lowers(self) -> bool:
        """Whether the stream would keep fewer copies, less data or less long than now."""
        keeps = _KEEPS.get(self.field)
        return keeps is not None and keeps(self.then) < keeps(self.now)


class StreamPlan(Struct, frozen=True, kw_only=True):
    """What a migration does with one stream."""

    wanted: Mapping[str, Any]
    """Its declaration."""

    present: Mapping[str, Any] | None
    """Its whole configuration on the server; None if there is no such stream."""

    @property
    def name(self) -> str:
        """Return the stream's name."""
        return str(self.wanted["name"])

    @property
    def did(self) -> str:
        """Return created, updated or unchanged."""
        if self.present is None:
            return "created"
        return "updated" if self.changes else "unchanged"

    @property
    def changed(self) -> tuple[str, ...]:
        """Return the fields that differ."""
        return tuple(change.field for change in self.changes)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Return what differs from the declaration; nothing for a stream that is missing."""
        present = self.present
        if present is None:
            return ()
        return tuple(
            Change(field=field, now=present.get(field), then=value)
            for field, value in self.wanted.items()
            if present.get(field) != value
        )
