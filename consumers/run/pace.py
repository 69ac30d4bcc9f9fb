"""Limits on one file that comes from a machine: its bytes, its time, its least speed."""

import asyncio
from collections.abc import AsyncIterator

from msgspec import Struct

from infra.machine_driver import MachineRefused, MachineUnreachable
from infra.settings.settings import Settings

WINDOW = 30.0
"""Seconds over which the speed is measured; without a byte for so long a file has stopped."""


class Limits(Struct, frozen=True, kw_only=True):
    """What one file may take."""

    bytes: int
    seconds: float
    bytes_per_second: float
    window: float = WINDOW


def limits_from(settings: Settings) -> Limits:
    """Read the limits from the settings."""
    return Limits(
        bytes=settings.output_bytes,
        seconds=settings.output_timeout,
        bytes_per_second=settings.output_speed,
    )


async def paced(
    chunks: AsyncIterator[bytes], limits: Limits, *, name: str, length: int | None
) -> AsyncIterator[bytes]:
    """Yield what *chunks* yields; only the time spent on waiting for the machine counts.

    Raises:
        MachineRefused: the file is too large.
        MachineUnreachable: it comes too slowly, or takes too long.

    """
    _check_size(length or 0, limits, name)
    size, waited = 0, 0.0
    measured_size, measured_at = 0, 0.0
    while True:
        chunk, seconds = await _next(chunks, limits, waited, name)
        if chunk is None:
            return
        size += len(chunk)
        waited += seconds
        _check_size(size, limits, name)
        if waited - measured_at >= limits.window:
            speed = (size - measured_size) / (waited - measured_at)
            if speed < limits.bytes_per_second:
                raise MachineUnreachable(
                    f"{name} comes at {speed:.0f} bytes a second; "
                    f"{limits.bytes_per_second:g} are the least (COMFYD_OUTPUT_SPEED)"
                )
            measured_size, measured_at = size, waited
        yield chunk


async def _next(
    chunks: AsyncIterator[bytes], limits: Limits, waited: float, name: str
) -> tuple[bytes | None, float]:
    """Return the next piece, None at the end, and the seconds it took."""
    clock = asyncio.get_running_loop().time
    began = clock()
    left = limits.seconds - waited
    try:
        async with asyncio.timeout(min(left, limits.window)):
            chunk = await anext(chunks, None)
    except TimeoutError:
        if left > limits.window:
            raise MachineUnreachable(f"{name}: not a byte for {limits.window:g} s") from None
        raise MachineUnreachable(
            f"{name} was not there after {limits.seconds:g} s (COMFYD_OUTPUT_TIMEOUT)"
        ) from None
    return chunk, clock() - began


def _check_size(size: int, limits: Limits, name: str) -> None:
    if size > limits.bytes:
        raise MachineRefused(
            "output_too_large",
            f"{name} has more than the {limits.bytes} bytes that an output may have "
            "(COMFYD_OUTPUT_BYTES)",
        )
