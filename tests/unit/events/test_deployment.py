"""Promotions: the last one counts, and the same one again adds nothing."""

from functools import partial
from uuid import UUID

from events.decider import DEPLOYMENT
from events.deployment import Deployment, DeploymentPromoted, PromoteVersion
from tests import specification
from tests.builders import MACHINE_ID, NOW, OTHER_ID, RUN_ID, later

given = partial(specification.given, DEPLOYMENT)


def promoted(
    version: int = 1, *, machine_id: UUID = MACHINE_ID, seconds: float = 0
) -> DeploymentPromoted:
    return DeploymentPromoted(
        deployment_id=OTHER_ID,
        workflow_id=OTHER_ID,
        workflow_name="cats",
        environment="production",
        user_id="ada",
        org_id=None,
        version_id=UUID(int=version),
        version=version,
        graph_key="workflows/a.json",
        ui_graph_key=None,
        inputs=(),
        machine_id=machine_id,
        by="user:ada",
        at=later(seconds),
    )


def test_a_version_is_promoted() -> None:
    given().when(PromoteVersion(promoted=promoted())).then(promoted())


def test_the_same_version_on_the_same_machine_again_adds_nothing() -> None:
    given(promoted()).when(PromoteVersion(promoted=promoted(seconds=9))).then_nothing()


def test_another_version_another_machine_and_the_way_back_are_promotions() -> None:
    for other in (promoted(2), promoted(machine_id=RUN_ID)):
        given(promoted()).when(PromoteVersion(promoted=other)).then(other)
    given(promoted(), promoted(2)).when(PromoteVersion(promoted=promoted())).then(promoted())


def test_the_last_promotion_counts_and_the_first_gives_the_age() -> None:
    assert DEPLOYMENT.fold([promoted(), promoted(2, seconds=5)]) == Deployment(
        id=OTHER_ID, current=promoted(2, seconds=5), created_at=NOW
    )
