"""What every object storage must do, so that the fake may stand for the real one."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Literal
from uuid import uuid4

import httpx
import pytest

from events.files import FileRef
from infra.s3.port import (
    ObjectMissing,
    ObjectStorage,
    Span,
)
from infra.s3.storage import open_object_storage
from infra.settings.settings import Spaces, settings_from
from tests.builders.facts import SEAL_KEY
from tests.fakes.object_storage import FakeObjectStorage

MiB = 1024 * 1024


@pytest.fixture(scope="module")
def spaces(server_env: Mapping[str, str]) -> Spaces:
    ours = {"JWT_SECRET": "x" * 32, "COMFYD_SEAL_KEYS": SEAL_KEY}
    return settings_from({**server_env, **ours}).spaces


@pytest.fixture(scope="module", params=["fake", "s3"])
async def storage(request: pytest.FixtureRequest) -> AsyncIterator[ObjectStorage]:
    kind: Literal["fake", "s3"] = request.param
    if kind == "fake":
        yield FakeObjectStorage()
    else:
        async with open_object_storage(request.getfixturevalue("spaces")) as real:
            yield real


@pytest.fixture(params=["plain.png", "with space & é 漢字+%41.png"])
def key(request: pytest.FixtureRequest) -> str:
    return f"outputs/runs/{uuid4()}/{request.param}"


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def broken_after(*chunks: bytes) -> AsyncIterator[bytes]:
    async for chunk in stream(*chunks):
        yield chunk
    raise InterruptedError("the machine went away")


async def test_what_was_put_can_be_read(storage: ObjectStorage, key: str) -> None:
    await storage.put_bytes(key, b"\x89PNG", "image/png")

    assert await storage.get_bytes(key) == b"\x89PNG"


async def test_a_key_that_is_taken_keeps_its_content(storage: ObjectStorage, key: str) -> None:
    await storage.put_bytes(key, b"first", "text/plain")

    await storage.put_bytes(key, b"second", "text/plain")

    assert await storage.get_bytes(key) == b"first"


@pytest.mark.parametrize(
    "chunks",
    [
        (),
        (b"",),
        (b"a", b"", b"bc"),
        (bytes(5 * MiB),),
        (b"x" * (5 * MiB + 1),),
        (b"y" * 12 * MiB,),
        (b"z" * 3 * MiB,) * 4,
    ],
    ids=["nothing", "empty", "small", "one-part", "one-part-and-a-byte", "one-chunk", "chunks"],
)
async def test_a_stream_is_stored_and_measured(
    storage: ObjectStorage, chunks: tuple[bytes, ...]
) -> None:
    name, content = f"outputs/runs/{uuid4()}/a.bin", b"".join(chunks)

    stored = await storage.put_stream(name, stream(*chunks), "image/png")

    assert stored == FileRef(
        key=name,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        media_type="image/png",
    )
    assert await storage.get_bytes(name) == content


async def test_a_stream_replaces_what_was_there(storage: ObjectStorage, key: str) -> None:
    await storage.put_stream(key, stream(b"attempt 1"), "text/plain")

    await storage.put_stream(key, stream(b"attempt 2"), "text/plain")

    assert await storage.get_bytes(key) == b"attempt 2"


@pytest.mark.parametrize("size", [10, 11 * MiB])
async def test_a_broken_stream_leaves_no_object(storage: ObjectStorage, size: int) -> None:
    name = f"outputs/runs/{uuid4()}/a.bin"

    with pytest.raises(InterruptedError):
        await storage.put_stream(name, broken_after(bytes(size)), "image/png")

    with pytest.raises(ObjectMissing):
        await storage.get_bytes(name)


async def test_a_broken_stream_leaves_the_object_that_was_there(
    storage: ObjectStorage, key: str
) -> None:
    await storage.put_stream(key, stream(b"whole"), "text/plain")

    with pytest.raises(InterruptedError):
        await storage.put_stream(key, broken_after(b"half"), "text/plain")

    assert await storage.get_bytes(key) == b"whole"


async def test_an_open_object_tells_what_it_is_and_streams(
    storage: ObjectStorage, key: str
) -> None:
    await storage.put_bytes(key, b"p" * MiB, "image/webp")

    async with storage.open(key) as found:
        assert (found.media_type, found.length) == ("image/webp", MiB)
        chunks = [chunk async for chunk in found.chunks()]

    assert len(chunks) > 1
    assert b"".join(chunks) == b"p" * MiB


@pytest.mark.parametrize(
    ("media_type", "disposition"),
    [
        ("image/png", "inline"),
        ("video/mp4", "inline"),
        ("text/plain", "inline"),
        ("image/svg+xml", "attachment"),
        ("text/html", "attachment"),
        ("application/pdf", "attachment"),
        ("application/octet-stream", "attachment"),
    ],
)
@pytest.mark.parametrize("size", [10, 11 * MiB], ids=["one-piece", "parts"])
async def test_a_browser_shows_only_what_cannot_be_a_script(
    storage: ObjectStorage, size: int, media_type: str, disposition: str
) -> None:
    put, streamed = (f"outputs/runs/{uuid4()}/a" for _ in range(2))

    await storage.put_bytes(put, bytes(size), media_type)
    await storage.put_stream(streamed, stream(bytes(size)), media_type)

    for key in (put, streamed):
        async with storage.open(key) as found:
            assert (found.media_type, found.disposition) == (media_type, disposition)


async def test_an_object_need_not_be_read_to_its_end(storage: ObjectStorage, key: str) -> None:
    await storage.put_bytes(key, bytes(MiB), "image/webp")

    async with storage.open(key):
        pass

    assert len(await storage.get_bytes(key)) == MiB


@pytest.mark.parametrize(
    ("span", "content"),
    [
        (Span(first=0, last=0), b"0"),
        (Span(first=3, last=5), b"345"),
        (Span(first=9, last=9), b"9"),
        (Span(first=0, last=9), b"0123456789"),
    ],
)
async def test_a_span_holds_its_first_and_its_last_byte(
    storage: ObjectStorage, key: str, span: Span, content: bytes
) -> None:
    await storage.put_bytes(key, b"0123456789", "video/mp4")

    async with storage.open(key, span) as found:
        assert (found.media_type, found.length) == ("video/mp4", len(content))
        assert b"".join([chunk async for chunk in found.chunks()]) == content


async def test_a_span_beyond_the_end_is_missing(storage: ObjectStorage, key: str) -> None:
    await storage.put_bytes(key, b"0123456789", "video/mp4")

    with pytest.raises(ObjectMissing):
        async with storage.open(key, Span(first=10, last=11)):
            pass


async def test_a_missing_object_is_named_as_such(storage: ObjectStorage, key: str) -> None:
    with pytest.raises(ObjectMissing):
        await storage.get_bytes(key)
    with pytest.raises(ObjectMissing):
        async with storage.open(key):
            pass


async def test_an_object_that_is_there_has_a_size(storage: ObjectStorage, key: str) -> None:
    before = await storage.size(key)
    await storage.put_bytes(key, b"four", "text/plain")
    stored = await storage.size(key)
    await storage.delete(key)

    assert (before, stored, await storage.size(key)) == (None, 4, None)


async def test_a_deleted_object_is_gone_and_may_be_deleted_again(
    storage: ObjectStorage, key: str
) -> None:
    await storage.put_bytes(key, b"x", "text/plain")

    await storage.delete(key)
    await storage.delete(key)

    with pytest.raises(ObjectMissing):
        await storage.get_bytes(key)


async def test_a_folder_is_deleted_with_all_that_is_in_it_and_nothing_beside(
    storage: ObjectStorage,
) -> None:
    ours, beside = f"outputs/runs/{uuid4()}", f"outputs/runs/{uuid4()}/a.png"
    kept = (beside, f"{ours}0/a.png")
    gone = [f"{ours}/{name}" for name in ("a.png", "with space & é 漢字+%41.png", "b/c.bin")]
    for key in (*gone, *kept):
        await storage.put_bytes(key, b"x", "text/plain")

    for _ in range(2):
        await storage.delete_all(f"{ours}/")

    for key in gone:
        with pytest.raises(ObjectMissing):
            await storage.get_bytes(key)
    for key in kept:
        assert await storage.get_bytes(key) == b"x"


async def test_a_storage_that_works_says_so(storage: ObjectStorage) -> None:
    await storage.check()


async def test_others_may_put_one_object_as_one_type_until_a_url_expires(
    storage: ObjectStorage, key: str
) -> None:
    if isinstance(storage, FakeObjectStorage):
        pytest.skip("the URL of the fake leads nowhere")
    url = await storage.upload_url(key, "image/png", seconds=60)

    async with httpx.AsyncClient(trust_env=False) as http:
        other = await http.put(url, content=b"<html>", headers={"Content-Type": "text/html"})
        taken = await http.put(url, content=b"\x89PNG", headers={"Content-Type": "image/png"})
        moved = await http.put(
            url.replace("outputs/", "inputs/", 1),
            content=b"\x89PNG",
            headers={"Content-Type": "image/png"},
        )

    assert [other.status_code, taken.status_code, moved.status_code] == [403, 200, 403]
    async with storage.open(key) as found:
        assert (found.media_type, found.length) == ("image/png", 4)
