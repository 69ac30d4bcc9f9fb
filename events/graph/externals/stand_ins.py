"""The few stock nodes that take the place of external-input nodes whose value is a file."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct

from events.graph.nodes import is_link

Nodes = dict[str, Any]
NewId = Callable[[], str]
"""Makes the id of another node."""


class Loaded(Struct, frozen=True, kw_only=True):
    """Nodes that load files, in place of one external node."""

    nodes: Nodes
    outputs: Mapping[int, list[Any]] = {}
    """Where an output is found that is not at the same place of the same node."""


StandIn = Callable[[str, NewId, Sequence[str]], Loaded]
"""From a node's id, and the names of files on the machine, to the nodes that load them."""


def always(_inputs: Mapping[str, Any], _used: AbstractSet[int]) -> bool:
    """Return that stock nodes do it, whatever its inputs are."""
    return True


def load_image(node_id: str, _new_id: NewId, names: Sequence[str]) -> Loaded:
    """Load an image's colours."""
    return Loaded(nodes={node_id: _node("LoadImage", image=names[0])})


def load_image_with_alpha(node_id: str, new_id: NewId, names: Sequence[str]) -> Loaded:
    """Load an image with its transparency.

    LoadImage gives the inverse of the alpha channel as a mask, and JoinImageWithAlpha takes it so.
    """
    loader = new_id()
    joined = _node("JoinImageWithAlpha", image=[loader, 0], alpha=[loader, 1])
    return Loaded(nodes={loader: _node("LoadImage", image=names[0]), node_id: joined})


def load_images(node_id: str, new_id: NewId, names: Sequence[str]) -> Loaded:
    """Load several images as one batch; those of another size are scaled to that of the first."""
    nodes: Nodes = {}
    first, *others = names
    last = node_id if not others else new_id()
    nodes[last] = _node("LoadImage", image=first)
    for index, name in enumerate(others):
        loader = new_id()
        nodes[loader] = _node("LoadImage", image=name)
        joined = node_id if index == len(others) - 1 else new_id()
        nodes[joined] = _node("ImageBatch", image1=[last, 0], image2=[loader, 0])
        last = joined
    return Loaded(nodes=nodes)


def load_audio(node_id: str, _new_id: NewId, names: Sequence[str]) -> Loaded:
    """Load the sound of a file."""
    return Loaded(nodes={node_id: _node("LoadAudio", audio=names[0])})


def load_video(node_id: str, new_id: NewId, names: Sequence[str]) -> Loaded:
    """Load a video: its frames are output 0, their number 1, its sound 2."""
    loader, counter = new_id(), new_id()
    nodes = {
        loader: _node("LoadVideo", file=names[0]),
        node_id: _node("GetVideoComponents", video=[loader, 0]),
        counter: _node("GetImageSize", image=[node_id, 0]),
    }
    return Loaded(nodes=nodes, outputs={1: [counter, 2], 2: [node_id, 1]})


_WHOLE: Mapping[str, object] = {
    "force_rate": 0,
    "force_size": "Disabled",
    "frame_load_cap": 0,
    "skip_first_frames": 0,
    "select_every_nth": 1,
}
"""Settings with which a video is loaded as it is."""

_VIDEO_OUTPUTS = frozenset({0, 1, 2})


def is_whole_video(inputs: Mapping[str, Any], used: AbstractSet[int]) -> bool:
    """Whether a video is loaded as it is: all frames, in their size, and only to be looked at."""
    changed = any(inputs.get(name, kept) != kept for name, kept in _WHOLE.items())
    return not changed and used <= _VIDEO_OUTPUTS and not is_link(inputs.get("meta_batch"))


def _node(class_type: str, **inputs: Any) -> Nodes:
    return {"class_type": class_type, "inputs": inputs}
