"""A consumer that keeps nothing: without acknowledgements, in the memory of one replica's node."""

from collections.abc import Mapping
from typing import Any


def ephemeral_consumer(
    policy: Mapping[str, object], *, inactive_after: float = 30.0
) -> dict[str, Any]:
    """Return its configuration; *policy* says where it begins.

    The server deletes it when no reader has asked for *inactive_after* seconds.
    """
    return {
        **policy,
        "ack_policy": "none",
        "inactive_threshold": int(inactive_after * 1e9),
        "mem_storage": True,
        "num_replicas": 1,
    }
