"""The shape of a refusal in the native API: RFC 9457, with a stable code and every fault."""

from collections.abc import Iterable

from msgspec import Struct

from events.errors import Problem
from infra.translation import problem_text

PROBLEM_JSON = "application/problem+json"


class FaultView(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a request."""

    pointer: str
    """JSON pointer into what was sent (RFC 6901); empty for the whole of it."""

    code: str
    detail: str


class ProblemView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request was refused (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    """Stable; docs/errors.md explains each."""

    detail: str | None = None
    errors: list[FaultView] = []


def fault_views(problems: Iterable[Problem], language: str) -> list[FaultView]:
    """Show problems in a language."""
    return [
        FaultView(pointer=p.pointer, code=p.code, detail=problem_text(p, language))
        for p in problems
    ]


def problem_type(code: str) -> str:
    """Name a kind of problem, as RFC 9457 wants it."""
    return f"urn:comfyd:problem:{code}"
