"""What a migration would change in a stream, and which changes keep less than before."""

from typing import Any

import pytest

from infra.jetstream.streams.cannot_migrate import CannotMigrate
from infra.jetstream.streams.migration import check_lowering
from infra.jetstream.streams.plan import LOWERABLE, Change, StreamPlan

SECOND = 1_000_000_000


def plan(now: dict[str, Any] | None, then: dict[str, Any]) -> StreamPlan:
    return StreamPlan(wanted={"name": "S", **then}, present=now and {"name": "S", **now})


@pytest.mark.parametrize(
    ("field", "more", "less"),
    [
        ("num_replicas", 3, 1),
        ("storage", "file", "memory"),
        ("retention", "limits", "workqueue"),
        ("retention", "limits", "interest"),
        ("max_age", 0, 60 * SECOND),
        ("max_age", 90 * SECOND, 60 * SECOND),
        ("max_msgs", -1, 1),
        ("max_bytes", -1, 1024),
        ("max_bytes", 2048, 1024),
        ("max_msgs_per_subject", -1, 5000),
        ("max_msgs_per_subject", 10_000, 5000),
        ("discard", "new", "old"),
        ("discard_new_per_subject", True, None),
        ("deny_delete", True, None),
        ("deny_purge", True, False),
        ("duplicate_window", 600 * SECOND, 120 * SECOND),
    ],
)
def test_what_keeps_less_is_lowering_and_the_other_way_round_is_not(
    field: str, more: object, less: object
) -> None:
    assert Change(field=field, now=more, then=less).lowers
    assert not Change(field=field, now=less, then=more).lowers


@pytest.mark.parametrize("field", ["compression", "description", "subjects", "allow_direct"])
def test_what_loses_nothing_is_not_lowering(field: str) -> None:
    assert not Change(field=field, now="a", then="b").lowers


def test_every_field_that_can_be_lowered_can_be_allowed() -> None:
    declared = {"num_replicas": 3, "max_age": 60 * SECOND, "deny_delete": True}
    lowered = {"num_replicas": 1, "max_age": 30 * SECOND, "deny_delete": False}
    plans = [plan(declared, lowered)]
    with pytest.raises(CannotMigrate) as refused:
        check_lowering(plans, ["max_age"])
    assert str(refused.value) == (
        "nothing was changed: S num_replicas 3 → 1, S deny_delete True → False would keep less"
        " than now. If you want that, add --lower deny_delete --lower num_replicas"
    )
    check_lowering(plans, LOWERABLE)


def test_fewer_replicas_are_refused_with_what_to_ask_for_instead() -> None:
    with pytest.raises(CannotMigrate) as refused:
        check_lowering([plan({"num_replicas": 3}, {"num_replicas": 1})], [])
    assert refused.value.code == "would_lower_replicas"
    assert "--replicas or COMFYD_REPLICAS" in str(refused.value)
    assert "--lower num_replicas" in refused.value.text("zh")


def test_a_plan_says_what_it_does() -> None:
    assert plan(None, {"max_age": 1}).did == "created"
    assert plan({"max_age": 1, "more": 2}, {"max_age": 1}).did == "unchanged"
    updated = plan({"compression": "s2"}, {"compression": "none", "max_age": 5 * SECOND})
    assert (updated.did, updated.changed) == ("updated", ("compression", "max_age"))
    assert [str(change) for change in updated.changes] == [
        "compression s2 → none",
        "max_age  → 5 s",
    ]
