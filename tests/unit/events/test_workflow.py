"""Versions of a workflow: counted without gaps, and not saved twice."""

from functools import partial

import pytest

from events.decider import WORKFLOW
from events.errors import NotFound
from events.identity import version_id
from events.workflow import PushVersion, WorkflowCreated, WorkflowVersionCreated
from tests import specification
from tests.builders import NOW, OTHER_ID

given = partial(specification.given, WORKFLOW)
CREATED = WorkflowCreated(workflow_id=OTHER_ID, name="cats", user_id="ada", org_id=None, at=NOW)


def push(sha256: str = "a", *, ui_graph_key: str | None = None) -> PushVersion:
    return PushVersion(
        workflow_id=OTHER_ID,
        name="cats",
        user_id="ada",
        org_id=None,
        graph_key=f"workflows/{sha256}.json",
        graph_sha256=sha256,
        ui_graph_key=ui_graph_key,
        inputs=(),
        comment="why",
        author="user:ada",
        now=NOW,
    )


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


def test_the_latest_graph_again_adds_nothing() -> None:
    given(CREATED, version(1)).when(push()).then_nothing()


def test_going_back_to_an_older_graph_is_a_version_of_its_own() -> None:
    given(CREATED, version(1), version(2, "b")).when(push()).then(version(3))


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
