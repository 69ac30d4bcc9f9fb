"""Read the callbacks of comfyui-deploy's plugin: one table, from the keys of a body to words of
ComfyUI's own (pure).

What a callback says of the prompt's course becomes the frame that ComfyUI's WebSocket would have
sent. So there is one way to listen, whichever way the words came.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from infra.comfyui.watch.frames import (
    About,
    Executing,
    Frame,
    Node,
    Started,
    Summary,
    SummedUp,
    frame_of,
)

Body = Mapping[str, Any]

LONGEST_WORDS = 200
"""Characters kept of a live status."""

LONGEST_LOG = 100_000
"""Characters kept of a machine's log: the last ones."""

MOST_IMAGES = 400
"""Images in one callback that are looked at."""


class EncodedImage(Struct, frozen=True, kw_only=True):
    """An image that a callback brings along."""

    filename: str
    data: str
    """In base64, perhaps as a data URI."""


class Callback(Struct, frozen=True, kw_only=True):
    """What a callback says."""

    prompt_id: str
    """The prompt that it names; empty: none."""

    frames: tuple[Frame, ...] = ()
    images: tuple[EncodedImage, ...] = ()
    log: str = ""
    """The end of the log of the machine, or of what it says of the prompt."""


def read_callback(body: bytes) -> Callback | None:
    """Read a callback; None if it cannot be read. What is not known in it is passed over."""
    try:
        # Python's own: the plugin writes NaN and Infinity, which are no JSON.
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(sent, dict):
        return None
    prompt_id = _text(sent.get("run_id"))
    frames = [frame for key, read in _FRAMES.items() if key in sent for frame in read(sent)]
    named = tuple(frame for frame in frames if frame.data.prompt_id == prompt_id)
    images = tuple(_images(sent))
    return Callback(prompt_id=prompt_id, frames=named, images=images, log=_log(sent))


def _event(sent: Body) -> Iterator[Frame]:
    """Yield the event of ComfyUI's WebSocket that the plugin passes on."""
    event = sent["ws_event"]
    if isinstance(event, dict):
        frame = frame_of({"type": event.get("event"), "data": event.get("data")})
        if frame is not None:
            yield frame


def _status(sent: Body) -> Iterator[Frame]:
    """Yield that the prompt began, or that it is over, however it ended.

    The plugin says `cancelled` of a prompt that goes on; and `uploading` is our own affair.
    """
    prompt_id = _text(sent.get("run_id"))
    status = _text(sent["status"])
    if status == "running":
        yield Started(data=About(prompt_id=prompt_id))
    elif status in {"success", "failed"}:
        yield Executing(data=Node(prompt_id=prompt_id, node=None))


def _live_status(sent: Body) -> Iterator[Frame]:
    words, progress = _text(sent["live_status"])[:LONGEST_WORDS], sent.get("progress")
    share = 0.0
    if isinstance(progress, int | float) and 0 <= progress <= 1:  # NaN is not
        share = float(progress)
    if words:
        summary = Summary(prompt_id=_text(sent.get("run_id")), words=words, share=share)
        yield SummedUp(data=summary)


_FRAMES: Mapping[str, Callable[[Body], Iterator[Frame]]] = {
    "ws_event": _event,
    "status": _status,
    "live_status": _live_status,
}
"""What is heard of the prompt's course, by the key of the body.

Not in it, and why: `output_data` without bytes (what was made is asked of the machine, and files
that it has stored are found there by their names), `node_meta`, `gpu_event_id`, `time`.
"""


_LOGS = ("log_data", "logs")


def _images(sent: Body) -> Iterator[EncodedImage]:
    """Yield what is sent as base64, under whichever key a node's files are."""
    outputs = sent.get("output_data")
    found = 0
    for items in outputs.values() if isinstance(outputs, dict) else ():
        for item in items if isinstance(items, list) else ():
            if not isinstance(item, dict) or found == MOST_IMAGES:
                continue
            filename, data = _text(item.get("filename")), _text(item.get("data"))
            if filename and data and item.get("type") != "temp":
                found += 1
                yield EncodedImage(filename=filename, data=data)


def _log(sent: Body) -> str:
    """Join the pieces of a log, which have one of two names."""
    pieces = [piece for name in _LOGS if isinstance(sent.get(name), list) for piece in sent[name]]
    texts = [_text(piece.get("logs")) for piece in pieces if isinstance(piece, dict)]
    joined = "\n".join(filter(None, texts))[-LONGEST_LOG:]
    # JSON may hold half a character, which cannot be stored.
    return joined.encode(errors="replace").decode()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
