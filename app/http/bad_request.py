"""The refusal of a request that cannot be read."""

from events.errors import Problem


class BadRequest(Exception):
    """The request cannot be read; holds what is wrong with it."""

    code = "invalid_request"

    def __init__(self, problem: Problem) -> None:
        self.problems = (problem,)
        super().__init__(problem.text())


def bad(code: str, pointer: str, **params: str) -> BadRequest:
    """Build the refusal of one part of a request."""
    return BadRequest(Problem(code=code, pointer=pointer, params=params))
