"""The order in which the nodes of a prompt are executed, and what makes two nodes the same."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator
from typing import Any
from uuid import uuid4

from tests.standin.folders import Folders
from tests.standin.nodes.catalogue import CLASSES

Graph = dict[str, Any]


def declared(node: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs that the node's class knows, in its order; others count for nothing."""
    return {name: node["inputs"][name] for name in CLASSES[node["class_type"]].inputs}


def _links(node: dict[str, Any]) -> list[str]:
    return [value[0] for value in declared(node).values() if isinstance(value, list)]


def signatures(graph: Graph, outputs: Collection[str], folders: Folders) -> dict[str, str]:
    """Return a fingerprint per needed node: equal where class, values and inputs are equal."""
    known: dict[str, str] = {}
    for root in outputs:
        _sign(graph, root, folders, known)
    return known


def _sign(graph: Graph, node_id: str, folders: Folders, known: dict[str, str]) -> str:
    if node_id not in known:
        node = graph[node_id]
        inputs = [
            [name, _sign(graph, value[0], folders, known), value[1]]
            if isinstance(value, list)
            else [name, value]
            for name, value in declared(node).items()
        ]
        text = json.dumps([node["class_type"], _changed(node, folders), inputs])
        known[node_id] = hashlib.sha256(text.encode()).hexdigest()
    return known[node_id]


def _changed(node: dict[str, Any], folders: Folders) -> str:
    """Return a fingerprint of a loaded file: another file may have its name."""
    if node["class_type"] not in ("LoadImage", "LoadImageMask"):
        return ""
    try:
        content = folders.annotated(node["inputs"]["image"]).read_bytes()
    except OSError:
        # It was there when the prompt came. The node itself will tell that it is gone.
        return uuid4().hex
    return hashlib.sha256(content).hexdigest()


def execution_order(
    graph: Graph, outputs: Collection[str], is_cached: Callable[[str], bool]
) -> Iterator[str]:
    """Yield what must be executed, outputs first wherever there is a choice.

    A cached node is left out, unless it is an output itself.
    """
    waiting = _needed(graph, outputs, is_cached)
    while waiting:
        ready = [i for i, above in waiting.items() if not above & waiting.keys()]
        chosen = _pick(ready, waiting, outputs)
        yield chosen
        del waiting[chosen]


def _needed(
    graph: Graph, outputs: Collection[str], is_cached: Callable[[str], bool]
) -> dict[str, set[str]]:
    needed: dict[str, set[str]] = {}
    for root in outputs:
        stack = [root]
        while stack:
            node_id = stack.pop()
            if node_id not in needed:
                above = [i for i in _links(graph[node_id]) if not is_cached(i)]
                needed[node_id] = set(above)
                stack += above
    return needed


def _pick(ready: list[str], waiting: dict[str, set[str]], outputs: Collection[str]) -> str:
    """Prefer an output, then what an output waits for, then what that waits for."""
    wanted = set(outputs)
    for _ in range(3):
        for node_id in ready:
            if node_id in wanted:
                return node_id
        wanted = {above for i in wanted & waiting.keys() for above in waiting[i]}
    return ready[0]
