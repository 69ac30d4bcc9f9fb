"""What a callback may do: one row for each thing that can be wrong with it."""

from datetime import datetime
from uuid import UUID

import pytest
from msgspec.structs import replace

from events.ids import prompt_id
from events.run.callback import CallbackClaims, Verdict, judge, judge_token
from events.run.events import StatusChanged
from events.run.evolve import evolve
from events.run.state import Run
from events.run.status import Status
from tests.builders.facts import NOW, RUN_ID, claimed, created, later, produced

CLAIMS = CallbackClaims(run_id=RUN_ID, attempt=1, expires_at=later(60))
OWN = str(prompt_id(RUN_ID, 1))


@pytest.mark.parametrize(
    ("claims", "named", "now", "verdict"),
    [
        (CLAIMS, OWN, NOW, Verdict.TAKEN),
        (CLAIMS, None, NOW, Verdict.TAKEN),
        (None, OWN, NOW, Verdict.FORGED),
        (CLAIMS, "", NOW, Verdict.FOREIGN),
        (CLAIMS, str(RUN_ID), NOW, Verdict.FOREIGN),
        (CLAIMS, str(prompt_id(RUN_ID, 2)), NOW, Verdict.FOREIGN),
        (CLAIMS, OWN.upper(), NOW, Verdict.FOREIGN),
        (CLAIMS, OWN, later(60), Verdict.LATE),
        (CLAIMS, OWN, later(59), Verdict.TAKEN),
    ],
)
def test_a_token_is_for_one_prompt_and_for_a_time(
    claims: CallbackClaims | None, named: str | None, now: datetime, verdict: Verdict
) -> None:
    assert judge_token(claims, named, now) is verdict


def run() -> Run:
    return evolve(evolve(None, created()), claimed(attempt=1))


def ended(status: Status) -> Run:
    over = StatusChanged(status=status, reason="", attempt=1, machine_id=None, at=NOW)
    return evolve(run(), over)


@pytest.mark.parametrize(
    ("state", "attempt", "verdict"),
    [
        (run(), 1, Verdict.TAKEN),
        (evolve(run(), produced()), 1, Verdict.TAKEN),
        (None, 1, Verdict.FOREIGN),
        (run(), 2, Verdict.LATE),
        (replace(run(), attempt=2), 1, Verdict.LATE),
        (replace(run(), claimed=False), 1, Verdict.LATE),
        *(
            (ended(status), 1, Verdict.LATE)
            for status in (Status.SUCCESS, Status.FAILED, Status.CANCELLED, Status.TIMEOUT)
        ),
    ],
)
def test_a_callback_counts_for_the_attempt_that_is_on_the_machine(
    state: Run | None, attempt: int, verdict: Verdict
) -> None:
    assert judge(replace(CLAIMS, attempt=attempt), state) is verdict


def test_the_prompt_of_a_token_is_that_of_its_attempt() -> None:
    assert CLAIMS.prompt_id == prompt_id(RUN_ID, 1)
    assert UUID(OWN) == CLAIMS.prompt_id
