"""The faults and delays a stand-in can be told to show."""

from typing import Any

import msgspec


class Switches(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is slow or broken. The defaults are a healthy machine."""

    step_seconds: float = 0.0
    """How long every sampler step takes, in seconds."""

    node_seconds: float = 0.0
    """How long every executed node takes besides, in seconds."""

    fail_class: str = ""
    """Nodes of this class raise."""

    silent: bool = False
    """Sockets say nothing after their first frame, while runs go on."""

    doubled: bool = False
    """Every event is sent twice."""

    late: float = 0.0
    """How much later events are sent, in seconds."""

    hang_posts: float = 0.0
    """A prompt is queued at once, and the POST answered only after so many seconds."""

    refuse_uploads: bool = False
    """Uploads are answered 500."""

    drop_views: bool = False
    """Every file is answered 404."""

    drip_views: float = 0.0
    """Files come byte by byte, with so many seconds before each."""

    die_at: str = ""
    """The process ends hard: when a node of this class starts, or (a number) the n-th prompt."""


class SwitchesInvalid(Exception):
    """There is no such switch, or it cannot have that value."""


def switched(switches: Switches, changes: dict[str, Any]) -> Switches:
    """Return *switches* with *changes* made.

    Raises:
        SwitchesInvalid: the message names the switch.

    """
    try:
        return msgspec.convert(msgspec.structs.asdict(switches) | changes, Switches)
    except msgspec.ValidationError as error:
        raise SwitchesInvalid(str(error)) from error
