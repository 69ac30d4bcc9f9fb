"""Versions of a workflow: counted without gaps, and not saved twice."""

from functools import partial

import msgspec
import pytest
from msgspec.structs import replace

from events.aggregates import WORKFLOW
from events.errors import NotFound
from events.ids import version_id
from events.workflow import (
    CustomNodes,
    PushVersion,
    WorkflowCreated,
    WorkflowVersionCreated,
    custom_nodes_sha256,
)
from tests.builders.facts import NOW, OTHER_ID, pushed
from tests.observe import specification

given = partial(specification.given, WORKFLOW)
CREATED = WorkflowCreated(workflow_id=OTHER_ID, name="cats", user_id="ada", org_id=None, at=NOW)


def push(sha256: str = "a", *, ui_graph_key: str | None = None) -> PushVersion:
    return replace(pushed(sha256), ui_graph_key=ui_graph_key)


def version(
    number: int, sha256: str = "a", *, ui_graph_key: str | None = None
) -> WorkflowVersionCreated:
    return WorkflowVersionCreated(
        version_id=version_id(OTHER_ID, number),
        version=number,
        graph_key=f"workflows/{sha256}.json",
        graph_sha256=sha256,
        ui_graph_key=ui_graph_key,
        inputs=(),
        comment="why",
        author="user:ada",
        at=NOW,
    )


def test_the_first_push_makes_the_workflow_and_its_first_version() -> None:
    given().when(push()).then(CREATED, version(1))


def test_another_graph_is_the_next_version() -> None:
    given(CREATED, version(1)).when(push("b")).then(version(2, "b"))


def test_the_same_graph_with_another_layout_is_the_next_version() -> None:
    given(CREATED, version(1)).when(push(ui_graph_key="ui")).then(version(2, ui_graph_key="ui"))


def test_the_content_of_any_version_again_adds_nothing() -> None:
    given(CREATED, version(1)).when(push()).then_nothing()
    given(CREATED, version(1), version(2, "b")).when(push()).then_nothing()


def test_a_version_is_found_by_its_content() -> None:
    workflow = WORKFLOW.fold([CREATED, version(1), version(2, "b", ui_graph_key="ui")])

    assert workflow is not None
    assert workflow.same_as(push("a")) == version(1)
    assert workflow.same_as(push("b", ui_graph_key="ui")) == version(2, "b", ui_graph_key="ui")
    assert workflow.same_as(push("b")) is None


def test_the_same_content_under_another_secret_adds_nothing() -> None:
    """Keys hold a hash of the tenant that depends on JWT_SECRET, which may be changed."""
    first = version(1, ui_graph_key="workflows/0a/ui.json")

    given(CREATED, first).when(push(ui_graph_key="workflows/0b/ui.json")).then_nothing()


def test_the_same_graph_with_other_packs_is_the_next_version() -> None:
    old = replace(push(), custom_nodes={"pack": {"commit": "0f"}, "other": "1"})
    new = replace(push(), custom_nodes={"pack": {"commit": "10"}, "other": "1"})
    reordered = replace(push(), custom_nodes={"other": "1", "pack": {"commit": "0f"}})
    first = WORKFLOW.decide(WORKFLOW.fold([CREATED]), old)
    both = [CREATED, *first, *WORKFLOW.decide(WORKFLOW.fold([CREATED, *first]), new)]

    assert [getattr(event, "version", None) for event in both] == [None, 1, 2]
    for known in (old, new, reordered, push()):
        given(*both).when(known).then_nothing()
    workflow = WORKFLOW.fold(both)
    assert workflow is not None
    assert workflow.same_as(push()) == workflow.version(2)


def test_custom_nodes_are_recorded_and_not_carried_along() -> None:
    packs: CustomNodes = {"pack": {"commit": "0f"}, "other": "1.2"}
    pushed = replace(push("b"), custom_nodes=packs, source="ui")
    sha256 = custom_nodes_sha256(packs)
    expected = replace(version(2, "b"), custom_nodes=packs, custom_nodes_sha256=sha256, source="ui")

    given(CREATED, version(1)).when(pushed).then(expected)
    workflow = WORKFLOW.fold([CREATED, version(1), expected])
    assert workflow is not None
    assert workflow.version(2) == replace(expected, custom_nodes={})


def test_a_version_is_found_by_its_number() -> None:
    workflow = WORKFLOW.fold([CREATED, version(1), version(2, "b")])

    assert workflow is not None
    assert workflow.version(2) == version(2, "b")
    for number in (-1, 0, 3):
        with pytest.raises(NotFound, match=f"no version {number}"):
            workflow.version(number)


def test_a_workflow_begins_with_its_creation() -> None:
    with pytest.raises(ValueError, match="begins with WorkflowCreated"):
        WORKFLOW.fold([version(1)])


def test_a_second_creation_changes_nothing() -> None:
    assert WORKFLOW.fold([CREATED, version(1), CREATED]) == WORKFLOW.fold([CREATED, version(1)])


def test_versions_of_before_say_nothing_of_source_and_custom_nodes() -> None:
    old = msgspec.to_builtins(version(1))

    assert {"source", "custom_nodes", "custom_nodes_sha256"}.isdisjoint(old)
    assert msgspec.convert(old, WorkflowVersionCreated) == version(1)
