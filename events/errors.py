"""Refusals: the rules say no, and nothing was recorded.

CommandRefused
 ├── InvalidGraph       the workflow's graph cannot be run by anyone
 ├── InvalidInputs      values that do not fit the workflow's inputs
 ├── NotFound           there is no such thing for this tenant
 ├── AlreadyExists      the id is taken by something else
 ├── IllegalTransition  the status table has no such step
 └── Superseded         another worker has taken the run over
"""

from collections.abc import Sequence

from msgspec import Struct

from events.messages import say


class Problem(Struct, frozen=True, kw_only=True):
    """One thing that is wrong: a stable code, where, and the words to say it with."""

    code: str
    """Stable, documented in docs/errors.md; a key of the message catalogue."""

    pointer: str = ""
    """JSON pointer into what was sent (RFC 6901), such as /inputs/width."""

    params: dict[str, str] = {}
    """What the message's placeholders stand for."""

    def text(self, language: str = "en") -> str:
        """Say it in *language*: en or zh."""
        return say(self.code, self.params, language)


class CommandRefused(Exception):
    """The rules say no."""

    code = "refused"

    def __init__(self, message: str = "", *, problems: Sequence[Problem] = ()) -> None:
        self.problems = tuple(problems)
        told = message or "; ".join(p.text() for p in problems) or (self.__doc__ or "")
        super().__init__(told)


class InvalidGraph(CommandRefused):
    """The workflow's graph cannot be run."""

    code = "invalid_graph"


class InvalidInputs(CommandRefused):
    """The inputs do not fit the workflow."""

    code = "invalid_inputs"


class NotFound(CommandRefused):
    """There is no such thing."""

    code = "not_found"


class AlreadyExists(CommandRefused):
    """The id is taken by something else."""

    code = "already_exists"


class IllegalTransition(CommandRefused):
    """The status table has no such step."""

    code = "illegal_transition"


class Superseded(CommandRefused):
    """Another worker has taken the run over."""

    code = "superseded"
