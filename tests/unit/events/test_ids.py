"""Derived ids: fixed for ever, and different where their causes are."""

from uuid import UUID

from events import ids
from events.ids import derived, time_ordered_id

ONE = UUID(int=1)


def test_derived_ids_are_fixed_for_ever() -> None:
    assert {
        "keyed run": str(ids.keyed_run_id("user:ada", "key")),
        "prompt": str(ids.prompt_id(ONE, 1)),
        "event": str(ids.event_id(ONE, 0)),
        "workflow": str(ids.workflow_id("user:ada", "name")),
        "version": str(ids.version_id(ONE, 1)),
        "deployment": str(ids.deployment_id(ONE, "production")),
        "machine": str(ids.machine_id("user:ada", "name")),
    } == {
        "keyed run": "7aeeef08-b618-5317-89a0-1122cb8823b8",
        "prompt": "638ffd70-2d70-5602-868f-bbbdede4d092",
        "event": "bd83d053-2c04-5b9d-b612-044e73579d7d",
        "workflow": "40ac64a5-c2e6-5dbb-aa52-2d97e973ed68",
        "version": "a28e35bb-0e1d-5f65-9544-43a138e3f0c2",
        "deployment": "93c5eed3-3ab8-5e18-a7e0-178abe8a8e2b",
        "machine": "c28a41f3-2fdb-5291-a879-7e227f486b1a",
    }


def test_different_causes_give_different_ids() -> None:
    different = [
        ids.keyed_run_id("user:ada", "key"),
        ids.keyed_run_id("user:bob", "key"),
        ids.keyed_run_id("user:ada", "other"),
        ids.prompt_id(ONE, 1),
        ids.prompt_id(ONE, 2),
        ids.event_id(ONE, 1),
        ids.version_id(ONE, 1),
        derived("a", "bc"),
        derived("ab", "c"),
        derived("abc"),
    ]
    assert len(set(different)) == len(different)


def test_an_id_of_a_moment_is_a_uuid_of_version_7_that_carries_it() -> None:
    identifier = time_ordered_id(0x0123_4567_89AB, bytes(range(10)))

    assert (identifier.version, identifier.variant) == (7, "specified in RFC 4122")
    assert identifier.int >> 80 == 0x0123_4567_89AB


def test_ids_sort_by_time_whatever_their_entropy() -> None:
    earlier, later = time_ordered_id(1000, b"\xff" * 10), time_ordered_id(1001, b"\x00" * 10)
    assert earlier < later
    assert str(earlier) < str(later)


def test_a_name_that_was_given_up_leads_to_another_machine_each_time() -> None:
    named = [ids.machine_id("user:ada", "gpu", generation) for generation in range(4)]
    assert named[0] == ids.machine_id("user:ada", "gpu")
    assert len(set(named)) == len(named)
