"""What ComfyUI says over its WebSocket, as far as we listen (pure)."""

import msgspec
from msgspec import UNSET, Struct, UnsetType


class NodeState(Struct, frozen=True):
    """How far one node is."""

    value: float = 0.0
    max: float = 1.0
    state: str = ""


class About(Struct, frozen=True):
    """The part that every event about a prompt has."""

    prompt_id: str = ""
    """Empty when the event does not say which prompt it is about."""


class Cached(About, frozen=True):
    """The nodes whose earlier results are used again."""

    nodes: list[str] = []


class Node(About, frozen=True):
    """The node it is about; null when the prompt is over."""

    node: str | UnsetType | None = UNSET
    display_node: str | None = None


class Step(About, frozen=True):
    """How far the current node is."""

    value: float = 0.0
    max: float = 1.0
    node: str | None = None


class States(About, frozen=True):
    """How far every node is that was begun."""

    nodes: dict[str, NodeState] = {}


class Summary(About, frozen=True):
    """How far the prompt is, in words, and as the share of nodes that were begun."""

    words: str = ""
    share: float = 0.0


class _Frame(Struct, frozen=True, tag_field="type"):
    pass


class Started(_Frame, frozen=True, tag="execution_start"):
    """The prompt left the queue."""

    data: About


class CacheUsed(_Frame, frozen=True, tag="execution_cached"):
    """Sent at every start, even when nothing was cached."""

    data: Cached


class Executing(_Frame, frozen=True, tag="executing"):
    """A node begins; or the prompt is over, however it ended."""

    data: Node


class Executed(_Frame, frozen=True, tag="executed"):
    """An output node has its result."""

    data: Node


class Stepped(_Frame, frozen=True, tag="progress"):
    """A node reports a step."""

    data: Step


class Progressed(_Frame, frozen=True, tag="progress_state"):
    """The whole picture again."""

    data: States


class Succeeded(_Frame, frozen=True, tag="execution_success"):
    """Every output node has its result."""

    data: About


class Erred(_Frame, frozen=True, tag="execution_error"):
    """A node raised."""

    data: About


class Stopped(_Frame, frozen=True, tag="execution_interrupted"):
    """Someone interrupted the prompt."""

    data: About


class SummedUp(_Frame, frozen=True, tag="comfyd.summed_up"):
    """Not ComfyUI's: what a callback says where the events behind it were lost."""

    data: Summary


Frame = (
    Started
    | CacheUsed
    | Executing
    | Executed
    | Stepped
    | Progressed
    | Succeeded
    | Erred
    | Stopped
    | SummedUp
)

_decoder: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)


def frame_of(said: object) -> Frame | None:
    """Read what was a text frame once; None for everything we do not listen to."""
    try:
        frame: Frame = msgspec.convert(said, Frame)
    except (msgspec.ValidationError, RecursionError):
        return None
    return frame


def frame_from(text: str) -> Frame | None:
    """Read one text frame; None for everything we do not listen to."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError):
        # Custom nodes send events of their own, in any shape.
        return None
