"""Seeds: another picture for every run, and the same picture for every attempt of one run."""

from collections.abc import Mapping
from hashlib import sha256
from itertools import pairwise
from typing import Any
from uuid import UUID

SEED_INPUTS = frozenset({"seed", "noise_seed"})
_LEAST = 10**14
_COUNT = 9 * 10**14
"""Seeds have 15 digits, as those of the ComfyUI plugin: exact in a JavaScript number."""


def seed_for(run_id: UUID, node_id: str, input_name: str) -> int:
    """Derive the seed that a run uses at one input of one node."""
    digest = sha256(f"{run_id}\x1f{node_id}\x1f{input_name}".encode()).digest()
    return _LEAST + int.from_bytes(digest[:16], "big") % _COUNT


def is_fixed(ui_graph: Mapping[str, Any] | None, node_id: str, seed: int) -> bool:
    """Whether the workflow's author has set this seed's control to "fixed" in ComfyUI's editor."""
    widgets = _list(_ui_node(ui_graph or {}, node_id), "widgets_values")
    return any(value == seed and control == "fixed" for value, control in pairwise(widgets))


def _ui_node(ui_graph: Mapping[str, Any], node_id: str) -> object:
    """Find a node of the editor's graph; "12:5" is node 5 in the subgraph of node 12."""
    subgraphs = _list(ui_graph.get("definitions"), "subgraphs")
    scope: object = ui_graph
    node: object = None
    for part in node_id.split(":"):
        node = next((n for n in _list(scope, "nodes") if str(_get(n, "id")) == part), None)
        scope = next((s for s in subgraphs if _get(s, "id") == _get(node, "type")), None)
    return node


def _get(thing: object, key: str) -> object:
    return thing.get(key) if isinstance(thing, Mapping) else None


def _list(thing: object, key: str) -> list[Any]:
    found = _get(thing, key)
    return found if isinstance(found, list) else []
