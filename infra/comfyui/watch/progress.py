"""Fold what ComfyUI says about a prompt into how far it is (pure)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from events.run.progress import Progress
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
    Summary,
    SummedUp,
)

FINISHED = "finished"


class Heard(Struct, frozen=True, kw_only=True):
    """What was heard of one prompt so far."""

    prompt_id: str
    graph: Mapping[str, Any]
    started: bool = False
    over: bool = False
    """It ended; ask the machine how."""

    done: frozenset[str] = frozenset()
    """Nodes of the graph that have their results."""

    node_id: str = ""
    """The node being executed, or the last one that was."""

    step: float = 0.0
    steps: float = 1.0
    percent: int = 0
    words: str = ""
    """What was said where no node was heard of."""

    share: float = 0.0
    """Share of the nodes that are done, by those words."""


def nothing_heard(prompt_id: UUID, graph: Mapping[str, Any]) -> Heard:
    """Begin to listen."""
    return Heard(prompt_id=str(prompt_id), graph=graph)


def hear(heard: Heard, frame: Frame) -> Heard:
    """Take in *frame*; doubled, late and foreign ones change nothing."""
    if frame.data.prompt_id != heard.prompt_id or heard.over:
        return heard
    changed = _told_by(frame, heard)
    return replace(changed, percent=max(heard.percent, _percent(changed)))


def _told_by(frame: Frame, heard: Heard) -> Heard:
    match frame:
        case Succeeded() | Erred() | Stopped() | Executing(data=Node(node=None)):
            return replace(heard, over=True)
        case Started():
            return replace(heard, started=True)
        case CacheUsed():
            return _done(heard, frame.data.nodes)
        case Executed():
            return _done(heard, [str(frame.data.node)])
        case Executing():
            return _at(heard, frame.data.display_node or str(frame.data.node))
        case Stepped():
            return _step(heard, frame.data.node or "", frame.data.value, frame.data.max)
        case Progressed():
            return _states(heard, frame.data.nodes)
        case SummedUp():
            return _summed_up(heard, frame.data)


def _done(heard: Heard, nodes: list[str]) -> Heard:
    return replace(heard, started=True, done=heard.done | (heard.graph.keys() & nodes))


def _at(heard: Heard, node_id: str) -> Heard:
    """Move to *node_id*, unless it is no node of the graph or the one where we are."""
    if node_id not in heard.graph or node_id == heard.node_id:
        return replace(heard, started=True)
    return replace(heard, started=True, node_id=node_id, step=0.0, steps=1.0)


def _step(heard: Heard, node_id: str, value: float, most: float) -> Heard:
    here = _at(heard, node_id)
    if here.node_id != node_id or most <= 0:
        return here
    return replace(here, step=min(max(value, 0.0), most), steps=most)


def _states(heard: Heard, nodes: Mapping[str, NodeState]) -> Heard:
    finished = [node_id for node_id, node in nodes.items() if node.state == FINISHED]
    heard = _done(heard, finished)
    for node_id, node in nodes.items():
        if node.state == "running":
            heard = _step(heard, node_id, node.value, node.max)
    return heard


def _summed_up(heard: Heard, summary: Summary) -> Heard:
    """Take in that a share of the nodes was begun; the last of these is not done yet."""
    done = summary.share - 1 / max(len(heard.graph), 1)
    return replace(heard, started=True, words=summary.words, share=max(heard.share, done))


def _percent(heard: Heard) -> int:
    current = 0.0 if heard.node_id in heard.done else heard.step / heard.steps
    share = (len(heard.done) + current) / max(len(heard.graph), 1)
    return int(100 * max(share, heard.share))


def progress_of(heard: Heard) -> Progress:
    """Put into words how far the prompt is; `run_id` is for the caller to fill in."""
    node = heard.graph.get(heard.node_id, {})
    node_class = str(node.get("class_type", ""))
    title = str(node.get("_meta", {}).get("title") or node_class)
    counted = heard.steps > 1
    return Progress(
        run_id="",
        percent=heard.percent,
        message=_message(heard, title, counted=counted),
        node_id=heard.node_id,
        node_class=node_class,
        node_title=title,
        step=int(heard.step) if counted else 0,
        steps=int(heard.steps) if counted else 0,
        nodes_done=len(heard.done),
        nodes_total=len(heard.graph),
    )


def _message(heard: Heard, title: str, *, counted: bool) -> str:
    if not heard.node_id:
        return heard.words or f"{len(heard.done)} of {len(heard.graph)} nodes cached"
    return f"{title} {int(heard.step)}/{int(heard.steps)}" if counted else title
