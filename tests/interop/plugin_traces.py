"""What comfyui-deploy's plugin sent in 30 recorded scenarios: upstream's 2.3.10, and a fork's.

The machine behind it was a script, so what it sent is the plugin's own doing and nothing else.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import Struct

from infra.comfyui.history import Entry, Status, outcome_of
from infra.machine_driver import Failed, Finished, Interrupted, Lost

PROMPT = UUID("11111111-1111-1111-1111-111111111111")
GRAPH = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 5, "model": ["4", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {}},
    "6": {"class_type": "ComfyUIDeployExternalText", "inputs": {"input_id": "prompt"}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
}
"""What was run in all of them."""


class Trace(Struct, frozen=True, kw_only=True):
    """One scenario."""

    scenario: str
    answer: tuple[int, str]
    """Status and body of the answer to the run."""

    uploads: list[str]
    """Queries of what asked where to store a file."""

    callbacks: list[dict[str, Any]]
    """Bodies of what was reported, in the order in which it came."""

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the data of ComfyUI's events of that name."""
        sent = [c["ws_event"] for c in self.callbacks if "ws_event" in c]
        return [event["data"] for event in sent if event["event"] == name]

    def outcome(self) -> Finished | Failed | Interrupted | Lost:
        """Return how the machine's own history says that it ended."""
        ends = [
            (name, data)
            for name in ("execution_success", "execution_error", "execution_interrupted")
            for data in self.events(name)
        ]
        if not ends:
            return Lost()  # it was never queued
        verdict = "success" if ends[0][0] == "execution_success" else "error"
        outputs = {e["node"]: e["output"] for e in self.events("executed")}
        status = Status(status_str=verdict, messages=ends[:1])
        return outcome_of(Entry(status=status, outputs=outputs), PROMPT)


@cache
def traces() -> dict[str, Trace]:
    """Return all scenarios by name."""
    recorded = Path(__file__).with_name("plugin_traces.json").read_bytes()
    return msgspec.json.decode(recorded, type=dict[str, Trace])


def disturbed(sent: Sequence[dict[str, Any]]) -> SearchStrategy[list[dict[str, Any]]]:
    """Shuffle callbacks, each of which comes twice, once or not at all."""
    twice = [*sent, *sent]
    return st.permutations(twice).flatmap(
        lambda shuffled: st.integers(0, len(shuffled)).map(lambda lost: shuffled[lost:])
    )
