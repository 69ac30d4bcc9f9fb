"""The stream of one run: what was, then what comes, without a gap (docs/adr/0006).

Ids are positions in the log. A client that comes back with the last id it saw receives exactly
what it missed. Progress carries no id, since nobody can resume a hint.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from functools import partial
from uuid import UUID

import msgspec

from app.api.v1.event_views import event_view
from app.api.v1.run_views import run_view
from app.house import House
from app.hub import Follower, Frame, Taken
from events.aggregates import RUN
from events.envelope import AnyRecorded
from events.run.redaction import as_shown
from events.run.status import TERMINAL, Status
from events.subjects import identifier_of
from infra.event_store import EventStore, LogUnavailable
from infra.settings.settings import Spaces

log = logging.getLogger(__name__)

# No empty line behind these two: some clients (@microsoft/fetch-event-source) dispatch a message
# at every empty line, also where no data came before it.
HELLO = b"retry: 2000\n"
BEAT = b": still here\n"
FrameOf = Callable[[AnyRecorded, int], Frame]

_encode = msgspec.json.Encoder().encode


def message(event: str, data: bytes, *, position: int | None = None) -> bytes:
    """Encode one message of a stream."""
    identifier = b"id: %d\n" % position if position is not None else b""
    return b"%sevent: %s\ndata: %s\n\n" % (identifier, event.encode(), data)


def event_message(recorded: AnyRecorded, spaces: Spaces) -> bytes:
    """Encode an event."""
    view = event_view(recorded, spaces)
    return message(view.type, _encode(view), position=recorded.position)


def event_frame(recorded: AnyRecorded, previous: int, spaces: Spaces) -> Frame:
    """Encode an event; after the last of a run comes `done`."""
    data = event_message(recorded, spaces)
    ends = recorded.status in TERMINAL
    if ends:
        data += done(identifier_of(recorded.aggregate), recorded.status, recorded.position)
    return Frame(position=recorded.position, previous=previous, data=data, ends=ends)


def done(run_id: UUID, status: str, position: int) -> bytes:
    """Encode the end of a stream."""
    body = _encode({"run_id": run_id, "status": status, "position": str(position)})
    return message("done", body, position=position)


def progress_message(data: bytes) -> bytes:
    """Encode progress."""
    return message("progress", data)


async def run_stream(
    house: House, past: Sequence[AnyRecorded], after: int | None
) -> AsyncGenerator[bytes, None]:
    """Yield the stream of the run whose events are *past*.

    With *after* it starts behind that position, without with a snapshot.
    """
    run_id = past[0].event.run_id
    past = as_shown(past)
    # Whoever was told something here is not told anything older by the other doors.
    house.recent_runs.note(run_id, past[-1].position)
    yield HELLO
    frame = partial(event_frame, spaces=house.settings.spaces)
    if after is None:
        yield await _snapshot(house, past)
    else:
        for recorded in past:
            if recorded.position > after:
                yield frame(recorded, 0).data
    if past[-1].status not in TERMINAL:
        async for chunk in _follow(house, run_id, past[-1].position, frame):
            yield chunk


async def _snapshot(house: House, past: Sequence[AnyRecorded]) -> bytes:
    run = RUN.fold(recorded.event for recorded in past)
    assert run is not None  # there are events
    position = past[-1].position
    run = await house.texts.put_into(run)
    row = await house.run_rows.get(run.id) if run.status is Status.RUNNING else None
    view = run_view(run, position, house.settings.spaces, row.progress if row else None)
    data = message("snapshot", _encode(view), position=position)
    return data + done(run.id, run.status, position) if run.ended else data


async def _follow(house: House, run_id: UUID, sent: int, encode: FrameOf) -> AsyncIterator[bytes]:
    name = RUN.name(run_id)
    follower = await house.hub.join(name)
    # Something may have happened between the first look into the log and now.
    follower.resync()
    try:
        while not follower.closed:
            await follower.wait()
            taken = follower.take()
            frames = taken.events
            # A beat is the chance to find that the very last copy was lost.
            if follower.missed or taken.beat or _has_gap(frames, sent):
                # What was offered is in the log too, so nothing is lost by asking that alone.
                frames = await _catch_up(house.store, name, sent, encode, follower)
            fresh = [frame for frame in frames if frame.position > sent]
            if fresh:
                sent = fresh[-1].position
                house.recent_runs.note(run_id, sent)
            # One piece for each waking: every piece costs a write to the client's connection.
            if piece := _joined(fresh, taken):
                yield piece
            if fresh and fresh[-1].ends:
                return
    finally:
        house.hub.leave(name, follower)


def _joined(fresh: Sequence[Frame], taken: Taken) -> bytes:
    pieces = [frame.data for frame in fresh]
    pieces += [taken.progress] if taken.progress else []
    pieces += [BEAT] if taken.beat and not pieces else []
    return b"".join(pieces)


def _has_gap(frames: Sequence[Frame], sent: int) -> bool:
    for frame in frames:
        if frame.position > sent:
            if frame.previous > sent:
                return True
            sent = frame.position
    return False


async def _catch_up(
    store: EventStore, name: str, sent: int, encode: FrameOf, follower: Follower
) -> list[Frame]:
    """Ask the log for what was missed; if it does not answer, ask again at the next chance."""
    try:
        missed = await store.read(name, after=sent)
    except LogUnavailable as error:
        log.info("stream.catch_up_postponed", extra={"error": str(error)})
        follower.missed = True
        return []
    follower.missed = False
    return [encode(recorded, 0) for recorded in as_shown(missed)]
