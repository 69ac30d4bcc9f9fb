"""What a callback of a machine may do: the rule for what is forged, foreign, late or welcome.

ComfyUI with the plugin of comfyui-deploy reports about prompts by itself, in any order, twice, or
not at all. So a callback is a hint, and never a fact: how a prompt ended is asked of the machine.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from events.ids import prompt_id
from events.run.state import Run

CHECK = 0
"""The attempt in a token for the check of a machine; the run's id is then that of the check."""


class CallbackClaims(Struct, frozen=True, kw_only=True):
    """What the token of a callback states: the attempt that it is for, and until when."""

    run_id: UUID
    attempt: int
    expires_at: datetime

    @property
    def prompt_id(self) -> UUID:
        """The prompt that the token is for."""
        return prompt_id(self.run_id, self.attempt)


class Verdict(StrEnum):
    """What a callback is."""

    TAKEN = "taken"
    FORGED = "forged"
    """Its token is missing, or was not made here."""

    FOREIGN = "foreign"
    """It names another prompt than its token, or a run that does not exist."""

    LATE = "late"
    """Its token has expired, its attempt is over, or its run has ended."""


def judge_token(claims: CallbackClaims | None, named: str | None, now: datetime) -> Verdict:
    """Return what the token says of a callback that names the prompt *named*; None: it names none.

    The run is not looked at; see `judge`.
    """
    if claims is None:
        return Verdict.FORGED
    if named is not None and named != str(claims.prompt_id):
        return Verdict.FOREIGN
    return Verdict.LATE if claims.expires_at <= now else Verdict.TAKEN


def judge(claims: CallbackClaims, run: Run | None) -> Verdict:
    """Return what a callback is whose token is good, by the state of its run."""
    if run is None:
        return Verdict.FOREIGN
    current = claims.attempt == run.attempt and (run.claimed or run.produced)
    return Verdict.TAKEN if current and not run.ended else Verdict.LATE


def may_keep_log(claims: CallbackClaims, run: Run | None) -> bool:
    """Whether what a machine logged of an attempt is kept; it comes when the run may be over."""
    if run is None or claims.attempt != run.attempt:
        return False
    return run.erased_at is None and run.inputs_erased_at is None
