"""Promotions and rollbacks: the last one counts, callers are warned, and nothing is forgotten."""

from functools import partial
from typing import Any

import msgspec
import pytest

from events.aggregates import DEPLOYMENT
from events.codec import decode_body
from events.deployment import (
    Action,
    Deployment,
    DeploymentPromoted,
    PromoteVersion,
    Promotion,
    RollBack,
)
from events.errors import MOST_PROBLEMS, IncompatibleInputs, NotFound, NothingToRollBack, Problem
from events.ids import deployment_id
from tests.builders.facts import MACHINE_ID, NOW, RUN_ID, later
from tests.builders.workflows import PROMPT, WITHOUT_PROMPT, WORKFLOW, WORKFLOW_ID, version
from tests.observe import specification

given = partial(specification.given, DEPLOYMENT)
DEPLOYMENT_ID = deployment_id(WORKFLOW_ID, "production")
ELSEWHERE = RUN_ID
GONE = Problem(code="input_removed", pointer="/inputs/prompt", params={"name": "prompt"})
NEW = Problem(code="input_newly_required", pointer="/inputs/prompt", params={"name": "prompt"})


def promote(number: int = 1, **changes: Any) -> PromoteVersion:
    facts: dict[str, Any] = {"machine_id": MACHINE_ID} | changes
    return PromoteVersion(
        workflow=WORKFLOW,
        version=number,
        environment="production",
        user_id="ada",
        org_id=None,
        by="user:ada",
        now=NOW,
        **facts,
    )


def roll_back(number: int | None = None, **changes: Any) -> RollBack:
    facts: dict[str, Any] = {"machines": frozenset({MACHINE_ID, ELSEWHERE})} | changes
    return RollBack(
        workflow=WORKFLOW,
        version=number,
        user_id="ada",
        org_id=None,
        by="user:ada",
        now=NOW,
        **facts,
    )


def promoted(number: int = 1, **changes: Any) -> DeploymentPromoted:
    goal = version(number)
    facts: dict[str, Any] = {"machine_id": MACHINE_ID, "at": NOW} | changes
    return DeploymentPromoted(
        deployment_id=DEPLOYMENT_ID,
        workflow_id=WORKFLOW_ID,
        workflow_name="cats",
        environment="production",
        user_id="ada",
        org_id=None,
        version_id=goal.version_id,
        version=number,
        graph_key=goal.graph_key,
        ui_graph_key=goal.ui_graph_key,
        inputs=goal.inputs,
        by="user:ada",
        **facts,
    )


def rolled_back(number: int, **changes: Any) -> DeploymentPromoted:
    return promoted(number, action=Action.ROLLBACK, **changes)


# promotion


def test_a_version_is_promoted() -> None:
    given().when(promote(comment="why")).then(promoted(comment="why"))


def test_the_same_version_on_the_same_machine_again_adds_nothing() -> None:
    given(promoted()).when(promote(comment="again")).then_nothing()


def test_another_version_another_machine_and_the_way_back_are_promotions() -> None:
    given(promoted()).when(promote(2)).then(promoted(2))
    given(promoted()).when(promote(machine_id=ELSEWHERE)).then(promoted(machine_id=ELSEWHERE))
    given(promoted(), promoted(2)).when(promote()).then(promoted())


def test_a_promotion_that_names_no_machine_stays_where_the_last_one_put_it() -> None:
    moved = promoted(machine_id=ELSEWHERE)
    given(promoted(), moved).when(promote(2, machine_id=None)).then(
        promoted(2, machine_id=ELSEWHERE)
    )
    given(moved).when(promote(machine_id=None)).then_nothing()


def test_a_first_promotion_without_a_machine_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="names its machine"):
        DEPLOYMENT.decide(None, promote(machine_id=None))


def test_a_version_that_there_is_not_is_not_found() -> None:
    given().when(promote(9)).then_refused(NotFound, "no version 9")


def test_what_callers_would_notice_is_refused_with_every_reason() -> None:
    when = given(promoted()).when(promote(WITHOUT_PROMPT))
    when.then_refused(IncompatibleInputs)
    with pytest.raises(IncompatibleInputs) as refusal:
        DEPLOYMENT.decide(DEPLOYMENT.fold([promoted()]), promote(WITHOUT_PROMPT))
    assert refusal.value.problems == (GONE,)


def test_what_callers_would_notice_is_promoted_by_force_and_remembered() -> None:
    given(promoted()).when(promote(WITHOUT_PROMPT, force=True)).then(
        promoted(WITHOUT_PROMPT, forced=True, warnings=(GONE,))
    )


def test_of_many_changes_as_many_are_remembered_as_a_refusal_names() -> None:
    fields = tuple(msgspec.structs.replace(PROMPT, name=f"p{n}") for n in range(MOST_PROBLEMS + 50))
    before = DEPLOYMENT.fold([msgspec.structs.replace(promoted(), inputs=fields)])
    [event] = DEPLOYMENT.decide(before, promote(WITHOUT_PROMPT, force=True))
    assert isinstance(event, DeploymentPromoted)
    assert len(event.warnings) == MOST_PROBLEMS + 1
    assert event.warnings[-1] == Problem(code="more_problems", params={"count": "50"})


def test_force_that_was_not_needed_is_not_recorded() -> None:
    given(promoted()).when(promote(2, force=True)).then(promoted(2))


# rollback


def test_a_rollback_goes_to_the_version_before() -> None:
    given(promoted(1), promoted(2)).when(roll_back(comment="slow")).then(
        rolled_back(1, comment="slow")
    )


def test_a_second_rollback_goes_further_back_and_never_forth() -> None:
    history = [promoted(1), promoted(2), promoted(4), rolled_back(2)]
    given(*history).when(roll_back()).then(rolled_back(1))
    given(*history, rolled_back(1)).when(roll_back()).then_refused(NothingToRollBack)


def test_a_version_that_was_promoted_anew_after_a_rollback_counts_again() -> None:
    history = [promoted(1), promoted(2), rolled_back(1), promoted(2)]
    given(*history).when(roll_back()).then(rolled_back(1))


def test_a_rollback_to_where_another_detour_began_keeps_what_lies_before_it() -> None:
    history = [promoted(1), promoted(2), promoted(1), promoted(4), rolled_back(1)]
    given(*history).when(roll_back()).then(rolled_back(2))


def test_a_rollback_may_name_any_version_that_ran_here() -> None:
    history = [promoted(1), promoted(2), promoted(4)]
    given(*history).when(roll_back(1)).then(rolled_back(1))
    given(*history, rolled_back(1)).when(roll_back(4)).then(rolled_back(4))
    given(*history, rolled_back(1), rolled_back(4)).when(roll_back()).then(rolled_back(1))


def test_a_rollback_to_what_runs_adds_nothing_so_it_can_be_sent_again() -> None:
    given(promoted(1), promoted(2), rolled_back(1)).when(roll_back(1)).then_nothing()


def test_a_rollback_needs_something_that_ran_before() -> None:
    moved = promoted(machine_id=ELSEWHERE)
    given(promoted(), moved).when(roll_back()).then_refused(NothingToRollBack)
    given(promoted(), promoted(2)).when(roll_back(4)).then_refused(NothingToRollBack)
    given().when(roll_back()).then_refused(NotFound)


def test_a_rollback_brings_the_machine_of_then_back_unless_it_takes_no_runs() -> None:
    history = [promoted(1), promoted(1, machine_id=ELSEWHERE), promoted(2)]
    given(*history).when(roll_back()).then(rolled_back(1, machine_id=ELSEWHERE))
    given(*history).when(roll_back(machines=frozenset({MACHINE_ID}))).then(rolled_back(1))


def test_a_rollback_is_never_refused_for_inputs_but_tells_what_callers_notice() -> None:
    given(promoted(WITHOUT_PROMPT), promoted(2)).when(roll_back()).then(
        rolled_back(WITHOUT_PROMPT, warnings=(GONE,))
    )
    given(promoted(2), promoted(WITHOUT_PROMPT)).when(roll_back()).then(
        rolled_back(2, warnings=(NEW,))
    )


# what becomes of it


def test_the_last_promotion_counts_and_all_of_them_are_remembered() -> None:
    last = rolled_back(2, at=later(5), forced=True, comment="why", warnings=(GONE,))

    def line(number: int, **changes: Any) -> Promotion:
        facts: dict[str, Any] = {"action": Action.PROMOTE, "at": NOW} | changes
        return Promotion(
            version=number,
            version_id=version(number).version_id,
            machine_id=MACHINE_ID,
            by="user:ada",
            **facts,
        )

    assert DEPLOYMENT.fold([promoted(), last]) == Deployment(
        id=DEPLOYMENT_ID,
        current=last,
        created_at=NOW,
        history=(
            line(1),
            line(
                2,
                action=Action.ROLLBACK,
                at=later(5),
                forced=True,
                comment="why",
                warnings=(GONE,),
            ),
        ),
    )


def test_a_fact_with_everything_in_it_is_read_back_from_the_log() -> None:
    fact = rolled_back(1, forced=True, comment="为什么", warnings=(GONE,))
    stored = msgspec.json.encode(fact)
    assert decode_body("deployment.promoted.v1", stored) == fact
    assert msgspec.json.decode(stored)["warnings"] == [
        {"code": "input_removed", "pointer": "/inputs/prompt", "params": {"name": "prompt"}}
    ]
