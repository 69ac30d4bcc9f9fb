"""Aliases: ids of another system, which stand for one thing at a time."""

from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from events import ids
from events.aggregates import ALIAS
from events.alias import Alias, AliasAssigned, AliasKind, AssignAlias, canonical, is_derived
from events.errors import AliasReserved
from tests.builders.facts import NOW, OTHER_ID, RUN_ID, later

FOREIGN = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
ASSIGN = AssignAlias(
    kind=AliasKind.DEPLOYMENT, foreign_id=FOREIGN, target_id=OTHER_ID, by="user:ada", now=NOW
)


def test_a_foreign_id_comes_to_stand_for_a_thing_once() -> None:
    (assigned,) = ALIAS.decide(None, ASSIGN)
    assert assigned == AliasAssigned(
        kind=AliasKind.DEPLOYMENT, foreign_id=FOREIGN, target_id=OTHER_ID, by="user:ada", at=NOW
    )
    alias = ALIAS.fold([assigned])
    assert alias == Alias(
        kind=AliasKind.DEPLOYMENT, foreign_id=FOREIGN, target_id=OTHER_ID, assigned_at=NOW
    )
    assert ALIAS.decide(alias, replace(ASSIGN, by="user:bob", now=later(1))) == []


def test_the_last_thing_that_it_was_assigned_to_counts() -> None:
    first = ALIAS.decide(None, ASSIGN)
    second = ALIAS.decide(ALIAS.fold(first), replace(ASSIGN, target_id=RUN_ID, now=later(1)))
    alias = ALIAS.fold([*first, *second])
    assert alias is not None
    assert (alias.target_id, alias.assigned_at) == (RUN_ID, later(1))


def test_an_id_that_may_be_one_of_ours_stands_for_nothing_else() -> None:
    ours = str(ids.workflow_id("user:ada", "card"))
    with pytest.raises(AliasReserved):
        ALIAS.decide(None, replace(ASSIGN, foreign_id=ours))


@pytest.mark.parametrize(
    ("text", "derived"),
    [
        (str(ids.workflow_id("t", "w")), True),
        (str(ids.version_id(OTHER_ID, 1)).upper(), True),
        (ids.deployment_id(OTHER_ID, "staging").hex, True),
        (str(ids.machine_id("t", "m", 2)), True),
        (str(uuid4()), False),
        ("dep_7", False),
    ],
)
def test_an_id_tells_whose_it_is(text: str, derived: bool) -> None:  # noqa: FBT001 -- a parameter of pytest
    assert is_derived(text) is derived


def test_one_uuid_is_one_foreign_id_however_it_is_written() -> None:
    assert {canonical(FOREIGN.upper()), canonical(UUID(FOREIGN).hex), canonical(FOREIGN)} == {
        FOREIGN
    }
    assert canonical("Dep_7") == "Dep_7"
