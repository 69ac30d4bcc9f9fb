"""What clients send to the native API, and how it is read."""

import re
from typing import Annotated, Any
from uuid import UUID

from litestar.params import HeaderParameter
from msgspec import Meta, Struct

from app.commands.runs.resolve_rerun import Version
from app.http.bad_request import bad
from events.batch import MAX_RUNS, RunFilter
from events.deployment import ENVIRONMENTS
from events.errors import NotFound
from events.graph.externals import LONGEST_NAME, MOST_INPUTS

LONGEST_WAIT = 55
"""Seconds. Proxies give up after 60 s without an answer, by their own defaults."""

LONGEST_KEY = 255

POSITION = re.compile(r"\d{1,18}", re.ASCII)
"""A position as we write it; more digits would not fit into a bigint of Postgres."""

IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]
Prefer = Annotated[str | None, HeaderParameter(name="Prefer")]
LastEventId = Annotated[str | None, HeaderParameter(name="Last-Event-ID")]

_SECONDS = re.compile(r"0*(\d+)", re.ASCII)

FILTER_PATTERN = r"\A[^\x00-\x1f\x7f]*\Z"
"""Names that may be looked for: Postgres does not take NUL, and nobody can type the others."""

_UNSEEN = (
    r"\x00-\x1f\x7f-\x9f"  # control characters
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # marks and fillers without a shape
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, direction, lines, invisible operators
    r"\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # tags
)
"""What nobody sees, so that two names look alike, or a name reads as another."""

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=rf"\A[^{_UNSEEN}]*\Z")]

Comment = Annotated[str, Meta(max_length=2000)]

MOST_PACKS = 1000
CustomNode = Annotated[str, Meta(max_length=2000)] | dict[str, Any]
"""A version, a commit or a URL of a pack, or several such facts."""


Inputs = Annotated[
    dict[Annotated[str, Meta(max_length=LONGEST_NAME)], Any], Meta(max_length=MOST_INPUTS)
]
"""Values by the names of inputs."""


class CreateRunRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run to make."""

    deployment_id: UUID
    inputs: Inputs = {}


class CreateBatchRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many runs of one deployment to make, all or none."""

    deployment_id: UUID
    inputs: Annotated[
        list[Inputs],
        Meta(min_length=1, max_length=MAX_RUNS, description="The inputs of each run."),
    ]


class RerunRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to repeat a run."""

    inputs: Annotated[
        Inputs,
        Meta(description="Instead of those it had; null puts the default in the place of a value."),
    ] = {}

    version: Version = Version.SAME


class RunFilterRequest(RunFilter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs to repeat: those that fit all that is said, and something has to be."""


class RerunManyRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs to repeat, and how."""

    filter: RunFilterRequest
    limit: Annotated[int, Meta(ge=1, le=MAX_RUNS)] = 100
    version: Version = Version.SAME
    dry_run: Annotated[bool, Meta(description="Tell how many it would be, and do nothing.")] = False


class PushVersionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A graph to save as the next version of the workflow of that name."""

    name: Name
    graph: Annotated[
        dict[str, Any] | None,
        Meta(description="In API format. Without one, it is made from ui_graph."),
    ] = None

    ui_graph: Annotated[
        dict[str, Any] | None,
        Meta(
            description="The same in the editor's format, kept for people and for nodes that want "
            "it."
        ),
    ] = None

    machine_id: Annotated[
        UUID | None,
        Meta(
            description="The machine whose classes of nodes tell how to read ui_graph; not needed "
            "if all are alike."
        ),
    ] = None

    comment: Comment = ""
    custom_nodes: Annotated[
        dict[Name, CustomNode],
        Meta(
            max_length=MOST_PACKS,
            description="The packs of custom nodes it was made with, by name.",
        ),
    ] = {}


class PromoteRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The version an environment shall run."""

    version: Annotated[int, Meta(ge=1)]
    machine_id: Annotated[
        UUID | None,
        Meta(description="Where; without one it stays where it is. A first promotion needs one."),
    ] = None

    force: Annotated[
        bool,
        Meta(description="Promote also what callers of the version before would notice."),
    ] = False

    comment: Comment = ""


class RollBackRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a deployment shall go back to."""

    version: (
        Annotated[
            int, Meta(ge=1, description="One that ran there; without one, the version before.")
        ]
        | None
    ) = None

    comment: Comment = ""


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
    """Read how many seconds a client prefers to wait (RFC 7240); 0 for none."""
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
