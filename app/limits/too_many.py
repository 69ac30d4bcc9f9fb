"""Refusals for now: the same request is welcome later."""

from typing import ClassVar

from events.errors import Problem


class TooMany(Exception):
    """A limit is reached; nothing was done."""

    code: ClassVar[str]

    def __init__(self, problem: Problem, *, retry_after: int | None = None) -> None:
        self.problems = (problem,)
        self.retry_after = retry_after
        """Seconds after which it helps to come back; None if unknown."""

        super().__init__(problem.text())


class RateLimited(TooMany):
    """Too many requests in this minute."""

    code = "rate_limited"


class QuotaExceeded(TooMany):
    """The tenant has as many runs as it may have."""

    code = "quota_exceeded"
