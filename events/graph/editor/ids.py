"""Number nodes as the editor does when it opens a graph.

There an id is unique over all levels: a node of a subgraph whose id is taken gets the next free
one. The ids of a converted graph are then those that the editor shows and posts.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from events.graph.editor.shape import Level, Link, Node, SavedGraph, level_of


def with_unique_ids(saved: SavedGraph) -> SavedGraph:
    """Return the graph with ids that are unique over all its levels."""
    taken = {node.key for node in saved.root.nodes.values() if isinstance(node.id, int)}
    last = saved.last_id
    renamed: dict[str, dict[str, str]] = {}
    for kind, level in saved.subgraphs.items():
        for key in level.nodes:
            if key in taken:
                last = next_free(last, taken)
                renamed.setdefault(kind, {})[key] = str(last)
                taken.add(str(last))
            else:
                taken.add(key)
                last = max(last, int(key) if key.isdecimal() else 0)
    if not renamed:
        return saved
    levels = {k: _renamed(level, renamed.get(k, {})) for k, level in saved.subgraphs.items()}
    return replace(
        saved,
        root=_with_proxies(saved.root, renamed),
        subgraphs={kind: _with_proxies(level, renamed) for kind, level in levels.items()},
        last_id=last,
    )


def next_free(last: int, taken: Iterable[str]) -> int:
    """Return the first number behind *last* that is no id yet."""
    last += 1
    while str(last) in taken:
        last += 1
    return last


def highest_id(saved: SavedGraph) -> int:
    """Return the highest id that the editor has given once it has opened the graph."""
    levels = [saved.root, *saved.subgraphs.values()]
    ids = (int(key) for level in levels for key in level.nodes if key.isdecimal())
    return max(saved.last_id, *ids, 0)


def _renamed(level: Level, ids: Mapping[str, str]) -> Level:
    if not ids:
        return level
    nodes = {
        ids.get(k, k): replace(node, id=ids.get(k, node.id)) for k, node in level.nodes.items()
    }
    pointers = {ids.get(key, key): where for key, where in level.pointers.items()}
    links = {key: _between(link, ids) for key, link in level.links.items()}
    broadcasts = level.broadcasts and [_between(link, ids) for link in level.broadcasts]
    renamed = level_of(nodes, pointers, links, level.inputs, level.outputs)
    return replace(renamed, broadcasts=broadcasts)


def _between(link: Link, ids: Mapping[str, str]) -> Link:
    origin, target = ids.get(link.origin), ids.get(link.target)
    return replace(link, origin_id=origin or link.origin_id, target_id=target or link.target_id)


def _with_proxies(level: Level, renamed: Mapping[str, Mapping[str, str]]) -> Level:
    """Rename the inner widgets of a level's boxes after the new ids."""
    nodes = {
        key: _with_proxy(node, renamed[node.type]) if node.type in renamed else node
        for key, node in level.nodes.items()
    }
    return replace(level, nodes=nodes)


def _with_proxy(node: Node, ids: Mapping[str, str]) -> Node:
    listed: Any = node.properties.get("proxyWidgets") if isinstance(node.properties, dict) else None
    if not isinstance(listed, list):
        return node
    entries = [
        [ids.get(str(entry[0]), entry[0]), *entry[1:]]
        if isinstance(entry, list) and entry
        else entry
        for entry in listed
    ]
    return replace(node, properties={**node.properties, "proxyWidgets": entries})
