"""Folds one entry of the log into a row: pure, without Postgres."""

from events.envelope import AnyRecorded, Entry, Unreadable
from events.subjects import identifier_of, kind_of
from projections.tables import TABLES, Row

NUL = "\x00"
"""The one character that Postgres does not take in a text."""


class Poison(Exception):
    """The entry cannot be folded: its aggregate goes into quarantine."""

    def __init__(self, unreadable: Unreadable) -> None:
        self.unreadable = unreadable
        super().__init__(unreadable.error)


def fold_entry(row: Row | None, entry: Entry) -> Row:
    """Fold one entry into a new row; the old one stays as it is, for a rollback.

    Raises:
        Poison: the entry does not follow from the row.

    """
    if isinstance(entry, Unreadable):
        raise Poison(entry)
    expected = (row.version if row else 0) + 1
    if entry.version != expected:
        raise _poison(entry, f"version {entry.version} where {expected} was due")
    try:
        table = TABLES[kind_of(entry.aggregate)]
        folded = Row(
            id=row.id if row else identifier_of(entry.aggregate),
            tenant=row.tenant if row else entry.meta.tenant,
            created_position=row.created_position if row else entry.position,
            position=entry.position,
            version=entry.version,
            state=table.decider.evolve(row.state if row else None, entry.event),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _poison(entry, repr(error)) from error
    if _has_nul(folded.tenant, *table.columns(folded.state).values()):
        raise _poison(entry, "a text with NUL, which Postgres does not take")
    return folded


def _has_nul(*values: object) -> bool:
    return any(isinstance(value, str) and NUL in value for value in values)


def _poison(entry: AnyRecorded, error: str) -> Poison:
    return Poison(
        Unreadable(aggregate=entry.aggregate, position=entry.position, type=entry.type, error=error)
    )
