"""What clients send to the native API, and how it is read."""

import re
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from app.problems import BadRequest
from events.deployment import ENVIRONMENTS
from events.errors import NotFound, Problem

LONGEST_WAIT = 60
LONGEST_KEY = 255

POSITION = re.compile(r"\d{1,18}", re.ASCII)
"""A position as we write it; more digits would not fit into a bigint of Postgres."""

_SECONDS = re.compile(r"0*(\d+)", re.ASCII)

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
"""Without control characters: Postgres does not take NUL, and nobody can type the others."""


class CreateRunRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run to make."""

    deployment_id: UUID
    inputs: dict[str, Any] = {}


class PushVersionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A graph to save as the next version of the workflow of that name."""

    name: Name
    graph: dict[str, Any]
    """In API format."""

    ui_graph: dict[str, Any] | None = None
    """The same in the editor's format, kept for people and for nodes that want it."""

    comment: Annotated[str, Meta(max_length=2000)] = ""


class PromoteRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The version an environment shall run."""

    version: Annotated[int, Meta(ge=1)]
    machine_id: UUID


class RegisterMachineRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A machine to make known."""

    name: Name
    url: Annotated[str, Meta(min_length=1, max_length=2000)]


def bad(code: str, pointer: str, **params: str) -> BadRequest:
    """Build the refusal of one part of a request."""
    return BadRequest(Problem(code=code, pointer=pointer, params=params))


def idempotency_key(header: str | None) -> str | None:
    """Read an Idempotency-Key.

    Raises:
        BadRequest: it is empty, too long or not printable.

    """
    if header is None:
        return None
    key = header.strip().strip('"')
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        raise bad("bad_idempotency_key", "", limit=str(LONGEST_KEY))
    return key


def preferred_wait(header: str | None) -> int:
    """Read how many seconds a client prefers to wait (RFC 7240), 0 for none; 60 at most."""
    for preference in (header or "").split(","):
        name, _, value = preference.strip().partition("=")
        if name.strip().lower() == "wait" and (found := _SECONDS.fullmatch(value.strip())):
            # Python refuses to read a number of thousands of digits.
            return min(int(found[1][:9]), LONGEST_WAIT)
    return 0


def position_in(text: str | None, *, parameter: str) -> int | None:
    """Read a position that a client was given.

    Raises:
        BadRequest: it was not given by us.

    """
    if text is None or text == "":
        return None
    if not POSITION.fullmatch(text):
        raise bad("bad_position", f"/{parameter}")
    return int(text)


def identifier(text: str) -> UUID:
    """Read an id in a path; what is none names nothing, so it is not found either.

    Raises:
        NotFound: it is no id.

    """
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("there is nothing with this id") from None


def environment(text: str) -> str:
    """Read the name of an environment.

    Raises:
        BadRequest: there is no such environment.

    """
    if text not in ENVIRONMENTS:
        raise bad("bad_environment", "/environment", known=", ".join(ENVIRONMENTS))
    return text
