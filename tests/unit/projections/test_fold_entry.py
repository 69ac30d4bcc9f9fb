"""One entry of the log becomes a row, or a reason why its aggregate goes into quarantine."""

import pytest
from msgspec.structs import replace

from events.envelope import AnyRecorded, Unreadable
from projections.fold_entry import NUL, Poison, fold_entry
from tests.builders.facts import RUN_ID, claimed, created, draft

NAME = f"run-{RUN_ID}"


def recorded(version: int, position: int) -> AnyRecorded:
    event = created() if version == 1 else claimed()
    return replace(draft(event, version=version, run_id=RUN_ID), position=position)


def test_the_first_entry_makes_a_row_and_the_next_moves_it() -> None:
    first = fold_entry(None, recorded(1, 7))
    assert (first.id, first.created_position, first.position, first.version) == (RUN_ID, 7, 7, 1)

    second = fold_entry(first, recorded(2, 9))

    assert (second.created_position, second.position, second.version) == (7, 9, 2)
    assert first.position == 7, "a rollback needs the old row as it was"
    assert second.state != first.state


@pytest.mark.parametrize("version", [2, 3])
def test_an_entry_that_is_not_the_next_one_is_poison(version: int) -> None:
    with pytest.raises(Poison, match="where 1 was due"):
        fold_entry(None, recorded(version, 7))


def test_an_entry_that_cannot_be_read_is_poison() -> None:
    entry = Unreadable(aggregate=NAME, position=7, type="run.x.v9", error="unknown")
    with pytest.raises(Poison) as raised:
        fold_entry(None, entry)
    assert raised.value.unreadable is entry


def test_a_text_that_postgres_does_not_take_is_poison() -> None:
    entry = recorded(1, 7)
    with pytest.raises(Poison, match="NUL"):
        fold_entry(None, replace(entry, meta=replace(entry.meta, tenant=f"a{NUL}b")))
