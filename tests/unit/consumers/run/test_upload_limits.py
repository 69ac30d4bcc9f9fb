"""A file from a machine has a size, a time and a speed, whatever its machine does."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from consumers.run.upload import Limits, paced
from infra.machine_driver import MachineRefused, MachineUnreachable

LIMITS = Limits(bytes=100, seconds=30, bytes_per_second=100, window=0.2)


async def coming(*pieces: bytes, every: float = 0.0) -> AsyncIterator[bytes]:
    for piece in pieces:
        await asyncio.sleep(every)
        yield piece


async def fetched(
    chunks: AsyncIterator[bytes], limits: Limits = LIMITS, *, length: int | None = None
) -> bytes:
    async with asyncio.timeout(30):
        return b"".join([c async for c in paced(chunks, limits, name="a.png", length=length)])


async def test_what_keeps_to_the_limits_comes_through_whole() -> None:
    assert await fetched(coming(b"a" * 50, b"b" * 50), length=100) == b"a" * 50 + b"b" * 50
    assert await fetched(coming()) == b""


@pytest.mark.parametrize("length", [None, 101])
async def test_a_file_that_is_too_large_is_refused_for_good(length: int | None) -> None:
    with pytest.raises(MachineRefused, match="more than the 100 bytes") as refused:
        await fetched(coming(*[b"a"] * 101), length=length)
    assert refused.value.code == "output_too_large"


async def test_a_file_that_drips_is_given_up() -> None:
    with pytest.raises(MachineUnreachable, match=r"a\.png comes at \d+ bytes a second; 100 are"):
        await fetched(coming(*[b"a"] * 100, every=0.05))


async def test_a_file_that_stops_is_given_up() -> None:
    with pytest.raises(MachineUnreachable, match=r"a\.png: not a byte for 0\.2 s"):
        await fetched(coming(b"a", every=10))


async def test_a_file_that_never_ends_is_given_up() -> None:
    endless = replace(LIMITS, seconds=0.5, bytes_per_second=0)
    with pytest.raises(MachineUnreachable, match=r"was not there after 0\.5 s"):
        await fetched(coming(*[b"a"] * 100, every=0.1), endless)


async def test_a_slow_storage_is_not_blamed_on_the_machine() -> None:
    got = b""
    async for chunk in paced(coming(b"a", b"b", b"c"), LIMITS, name="a.png", length=3):
        await asyncio.sleep(0.3)
        got += chunk
    assert got == b"abc"
