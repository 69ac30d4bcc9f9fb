"""How long the nodes of a prompt take, as far as ComfyUI's events were heard (pure).

A hint: what happens while there is no connection is not heard, so the times of nodes that began
or ended then are left out rather than guessed. A node that began before and still runs afterwards
ran all the while.
"""

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from events.run.events import NodeTime
from infra.comfyui.watch.frames import (
    CacheUsed,
    Erred,
    Executed,
    Executing,
    Frame,
    Node,
    NodeState,
    Progressed,
    Started,
    Stepped,
    Stopped,
    Succeeded,
    SummedUp,
)

MOST = 500
"""Nodes that are reported of one prompt, the slowest: they are kept in one event."""

LONGEST_TITLE = 100


class Clock(Struct, frozen=True, kw_only=True):
    """When which node began, and how long those took that are over; seconds of any clock."""

    graph: Mapping[str, Any]
    deaf: bool = True
    """Whether something may have happened that was not heard."""

    stated: bool = False
    """Whether this ComfyUI tells when a node is finished; older ones only tell the next."""

    began: Mapping[str, float] = {}
    held: Mapping[str, float] = {}
    """Nodes that ran when the connection was lost: until we hear of them they may have ended."""

    took: Mapping[str, float] = {}
    cached: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    """Nodes that began, or went on, while no worker listened."""


def deafened(clock: Clock) -> Clock:
    """Take in that the connection was lost."""
    return replace(clock, deaf=True, began={}, held={**clock.held, **clock.began})


def reminded(clock: Clock, node_id: str, at: float) -> Clock:
    """Take in which node began last, as ComfyUI tells a client that connects late.

    One that was heard before still runs, and nothing began since; another one began unheard.
    """
    clock = _resumed(clock, {node_id})
    if clock.deaf:
        unheard = (clock.graph.keys() & {node_id}) - clock.began.keys()
        clock = replace(clock, unknown=clock.unknown | unheard)
    return replace(_begun(clock, {node_id}, at), deaf=False)


def clocked(clock: Clock, frame: Frame, at: float) -> Clock:
    """Take in *frame*, heard at *at*."""
    match frame:
        case Succeeded() | Erred() | Stopped() | Executing(data=Node(node=None)):
            return _over(clock, clock.began.keys(), at)
        case Started():
            return replace(clock, deaf=False)
        case CacheUsed():
            cached = clock.cached | (clock.graph.keys() & frame.data.nodes)
            return replace(clock, deaf=False, cached=cached)
        case Executing():
            return _next(clock, frame.data.display_node or str(frame.data.node), at)
        case Executed():
            # Its result is never sent again, so it ran until now, connection or not.
            node_ids = {str(frame.data.node)}
            return _over(_resumed(clock, node_ids), node_ids, at)
        case Progressed():
            return _states(clock, frame.data.nodes, at)
        case Stepped() | SummedUp():
            return clock


def _next(clock: Clock, node_id: str, at: float) -> Clock:
    clock = _forgotten(_resumed(clock, {node_id}))
    if not clock.stated:
        clock = _over(clock, clock.began.keys() - {node_id}, at)
    return replace(_begun(clock, {node_id}, at), deaf=False)


def _states(clock: Clock, nodes: Mapping[str, NodeState], at: float) -> Clock:
    running = {node_id for node_id, node in nodes.items() if node.state == "running"}
    clock = _forgotten(_resumed(clock, running))
    if clock.deaf:
        unheard = (clock.graph.keys() & running) - clock.began.keys()
        clock = replace(clock, unknown=clock.unknown | unheard)
    clock = _over(clock, nodes.keys() - running, at)
    return replace(_begun(clock, running, at), deaf=False, stated=True)


def _resumed(clock: Clock, nodes: Collection[str]) -> Clock:
    """Go on with those of *nodes* that ran when the connection was lost: they still do."""
    still = {n: began for n, began in clock.held.items() if n in nodes}
    held = {n: began for n, began in clock.held.items() if n not in nodes}
    return replace(clock, began={**clock.began, **still}, held=held)


def _forgotten(clock: Clock) -> Clock:
    """Return a clock that no longer times the nodes that ended while no worker listened."""
    return replace(clock, held={}, unknown=clock.unknown | clock.held.keys())


def _begun(clock: Clock, nodes: Collection[str], at: float) -> Clock:
    known = clock.took.keys() | clock.unknown | clock.began.keys()
    fresh = (clock.graph.keys() & nodes) - known
    return replace(clock, began={**clock.began, **dict.fromkeys(fresh, at)}) if fresh else clock


def _over(clock: Clock, nodes: Collection[str], at: float) -> Clock:
    over = clock.began.keys() & nodes
    if not over:
        return clock
    return replace(
        clock,
        began={n: began for n, began in clock.began.items() if n not in over},
        took={**clock.took, **{n: at - clock.began[n] for n in over}},
    )


def node_times(clock: Clock, *, cached: frozenset[str] = frozenset()) -> tuple[NodeTime, ...]:
    """Return what is known of each node, in the order of the graph.

    *cached*: what ComfyUI says in the end of the nodes whose earlier results were used again.
    """
    clock = replace(clock, cached=clock.cached | (clock.graph.keys() & cached))
    known = clock.took.keys() | clock.cached
    slowest = sorted(known, key=lambda n: clock.took.get(n, 0.0), reverse=True)[:MOST]
    reported = set(slowest)
    return tuple(_time(clock, node_id) for node_id in clock.graph if node_id in reported)


def _time(clock: Clock, node_id: str) -> NodeTime:
    node = clock.graph[node_id]
    class_type = str(node.get("class_type", ""))
    title = str(node.get("_meta", {}).get("title") or "")[:LONGEST_TITLE]
    return NodeTime(
        node_id=node_id,
        class_type=class_type,
        title="" if title == class_type else title,
        seconds=round(clock.took.get(node_id, 0.0), 3),
        cached=node_id in clock.cached and node_id not in clock.took,
    )
