"""The stream of one run: what was, then what comes, without a gap.

Ids are positions in the log. A client that comes back with the last id it saw receives exactly
what it missed. Progress carries no id.
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from uuid import UUID

from app.live.broadcaster import Broadcaster
from app.live.frames import BEAT, HELLO
from app.live.subscription import Piece, Topic
from events.aggregates import RUN
from events.envelope import AnyRecorded
from events.run.status import TERMINAL


async def run_stream(
    broadcaster: Broadcaster,
    past: Sequence[AnyRecorded],
    *,
    after: int | None,
    snapshot: bytes = b"",
    note: Callable[[UUID, int], None],
) -> AsyncGenerator[bytes, None]:
    """Yield the stream of the run whose events are *past*.

    With *after* it starts behind that position, without with the *snapshot*. *note* is called with
    each position that was sent: no other route may show this client anything older.
    """
    run_id, sent = past[0].event.run_id, past[-1].position
    note(run_id, sent)
    yield HELLO
    if after is None:
        yield snapshot
    else:
        for frame in map(broadcaster.frame_of, past):
            if frame.position > after:
                yield frame.data + frame.end
    if past[-1].status in TERMINAL:
        return
    topic = Topic(aggregates=[RUN.name(run_id)], progress_of=run_id)
    with broadcaster.follow(topic, after=sent) as subscription:
        while not subscription.closed:
            piece = await subscription.next()
            if piece.frames:
                note(run_id, piece.frames[-1].position)
            # One chunk for each waking: every chunk costs a write to the client's connection.
            if chunk := b"".join(_parts(piece)):
                yield chunk
            if piece.frames and piece.frames[-1].end:
                return


def _parts(piece: Piece) -> Iterator[bytes]:
    for frame in piece.frames:
        yield frame.data + frame.end
    if piece.progress:
        yield piece.progress
    elif piece.beat and not piece.frames:
        yield BEAT
