"""Thumbnails of stored images, drawn in a process that may crash, hang or be taken over."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress

from events.run.thumbnails import LONGEST_SIDE, MOST_PIXELS
from infra.images.process import inherited_environment

WITHIN = 300.0
"""Seconds for decoding. The process bounds its CPU by itself, and waits behind all other work."""

MOST_BYTES = 256 * 1024
"""Of an answer; far more than a thumbnail has."""

_WEBP = b"RIFFWEBP"
"""What a WebP has in its bytes 0 to 3 and 8 to 11; a decoder that was taken over may write else."""

_REASON = 300
"""Characters kept of a reason."""

_ARGUMENTS = ("-m", "infra.images.thumbnail_process", str(LONGEST_SIDE), str(MOST_PIXELS))


class NoThumbnail(Exception):
    """There is no thumbnail of this image, and never will be: it is broken, or too large."""


async def draw_thumbnail(chunks: AsyncIterator[bytes]) -> bytes:
    """Return the thumbnail of the image that *chunks* yields, as WebP.

    Raises:
        NoThumbnail: it cannot be decoded, or takes too long.

    What *chunks* raises is passed on.

    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *_ARGUMENTS,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env=inherited_environment(),
        # A Ctrl-C is for us: an image whose decoder it ended would count as one without thumbnail.
        start_new_session=True,
    )
    try:
        await _feed(process, chunks)
        answer = await _answer(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if answer[:4] + answer[8:12] != _WEBP:
        reason = answer.decode(errors="replace")[:_REASON]
        raise NoThumbnail(reason or f"the decoder ended with {process.returncode}")
    return answer


async def _feed(process: Process, chunks: AsyncIterator[bytes]) -> None:
    """Pass an image on, piece by piece: this process never holds it."""
    assert process.stdin is not None  # it is a pipe
    with suppress(BrokenPipeError, ConnectionResetError):  # The decoder has ended; see its answer.
        async for chunk in chunks:
            process.stdin.write(chunk)
            await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()


async def _answer(process: Process) -> bytes:
    assert process.stdout is not None  # it is a pipe
    try:
        async with asyncio.timeout(WITHIN):
            await process.stdout.readexactly(MOST_BYTES)
    except asyncio.IncompleteReadError as ended:
        await process.wait()
        return ended.partial
    except TimeoutError as error:
        raise NoThumbnail(f"it takes longer than {WITHIN:g} s to decode") from error
    raise NoThumbnail(f"the decoder wrote more than {MOST_BYTES} bytes")
