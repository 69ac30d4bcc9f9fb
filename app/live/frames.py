"""Server-sent events as bytes: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from collections.abc import Callable

from msgspec import Struct

from events.envelope import AnyRecorded

EVENT_STREAM = "text/event-stream"
SSE_HEADERS = {
    "Cache-Control": "no-store, no-transform",
    "Content-Encoding": "identity",
    "X-Accel-Buffering": "no",
}
"""A proxy that compresses or buffers a stream holds its events back; these ask it not to.

The last is for nginx's buffers. Compression is to be prevented by the first; Caddy, nginx and
HAProxy look at the second, and leave alone what has an encoding.
"""

# No empty line behind these two: some clients (@microsoft/fetch-event-source) dispatch a message
# at every empty line, also where no data came before it.
HELLO = b"retry: 2000\n"
BEAT = b": still here\n"


class Frame(Struct, frozen=True, kw_only=True):
    """An event, and how clients receive it."""

    recorded: AnyRecorded
    data: bytes
    end: bytes = b""
    """What ends the stream of the run; empty while the run is open."""

    @property
    def position(self) -> int:
        """The place of the event in the log."""
        return self.recorded.position


FrameOf = Callable[[AnyRecorded], Frame]


def message(event: str, data: bytes, *, position: int | None = None) -> bytes:
    """Encode one message of a stream; with *position* as its id."""
    identifier = b"id: %d\n" % position if position is not None else b""
    return b"%sevent: %s\ndata: %s\n\n" % (identifier, event.encode(), data)


def progress_message(data: bytes) -> bytes:
    """Encode progress; it has no id, since a hint cannot be resumed."""
    return message("progress", data)


def position_message(position: int) -> bytes:
    """Encode how far a client has come; what it resumes at, even if it was sent nothing else."""
    return message("position", b'{"position":"%d"}' % position, position=position)
