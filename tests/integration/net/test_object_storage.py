"""What only a real S3 server can show: public URLs, aborted uploads, memory, and refusals."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from uuid import uuid4

import aioboto3
import aiohttp
import msgspec
import pytest
from aiohttp import web
from types_aiobotocore_s3 import S3Client
from yarl import URL

from infra.s3.port import (
    StorageRefused,
    StorageUnavailable,
)
from infra.s3.storage import S3ObjectStorage, open_object_storage
from infra.s3.urls import public_url
from infra.settings.settings import Spaces, settings_from
from tests.builders.facts import SEAL_KEY
from tests.network.one_answer import broken_off

MiB = 1024 * 1024
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@pytest.fixture(scope="module")
def spaces(server_env: Mapping[str, str]) -> Spaces:
    ours = {"JWT_SECRET": "x" * 32, "COMFYD_SEAL_KEYS": SEAL_KEY}
    return settings_from({**server_env, **ours}).spaces


@pytest.fixture(scope="module")
async def storage(spaces: Spaces) -> AsyncIterator[S3ObjectStorage]:
    async with open_object_storage(spaces) as opened:
        yield opened


@asynccontextmanager
async def plain_client(spaces: Spaces) -> AsyncIterator[S3Client]:
    async with aioboto3.Session().client(
        "s3",
        endpoint_url=spaces.endpoint,
        region_name=spaces.region,
        aws_access_key_id=spaces.key,
        aws_secret_access_key=spaces.secret,
    ) as client:
        yield client


async def unfinished_uploads(spaces: Spaces, key: str) -> list[str]:
    async with plain_client(spaces) as client:
        listed = await client.list_multipart_uploads(Bucket=spaces.bucket)
        return [upload["Key"] for upload in listed.get("Uploads", []) if upload["Key"] == key]


async def stored_keys(spaces: Spaces, prefix: str) -> list[str]:
    async with plain_client(spaces) as client:
        listed = await client.list_objects_v2(Bucket=spaces.bucket, Prefix=prefix)
        return [found["Key"] for found in listed.get("Contents", [])]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    """Answer every request with *handler*, as a server that is not well."""
    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("name", ["a.png", "a b.png", "é漢字.png", "100%+#?&=.png", "%41.png"])
async def test_a_public_url_leads_to_the_object(
    storage: S3ObjectStorage, spaces: Spaces, name: str
) -> None:
    key = f"outputs/runs/{uuid4()}/{name}"
    await storage.put_bytes(key, b"picture", "image/png")

    url = public_url(spaces, key)

    async with (
        aiohttp.ClientSession() as browser,
        browser.get(URL(url, encoded=True)) as answer,
    ):
        assert (answer.status, answer.content_type) == (200, "image/png")
        assert await answer.read() == b"picture"


async def test_a_page_with_scripts_is_saved_by_whoever_opens_its_url(
    storage: S3ObjectStorage, spaces: Spaces
) -> None:
    key = f"outputs/runs/{uuid4()}/a.svg"
    await storage.put_bytes(key, b"<svg/>", "image/svg+xml")

    async with aiohttp.ClientSession() as browser, browser.get(public_url(spaces, key)) as answer:
        assert answer.content_type == "image/svg+xml"
        assert answer.headers["Content-Disposition"] == "attachment"


async def test_a_stream_of_any_size_needs_little_memory(storage: S3ObjectStorage) -> None:
    async def generated() -> AsyncIterator[bytes]:
        for _ in range(256):
            yield bytes(MiB // 4)

    tracemalloc.start()
    try:
        stored = await storage.put_stream(f"outputs/runs/{uuid4()}/big", generated(), "video/mp4")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert stored.bytes == 64 * MiB
    assert peak < 16 * MiB


async def test_a_failed_upload_leaves_nothing_behind(
    storage: S3ObjectStorage, spaces: Spaces
) -> None:
    key = f"outputs/runs/{uuid4()}/big"
    begun: list[str] = []

    async def breaking() -> AsyncIterator[bytes]:
        yield bytes(6 * MiB)
        yield bytes(6 * MiB)
        begun.extend(await unfinished_uploads(spaces, key))
        raise InterruptedError

    with pytest.raises(InterruptedError):
        await storage.put_stream(key, breaking(), "video/mp4")

    assert begun == [key]
    assert await unfinished_uploads(spaces, key) == []
    assert await stored_keys(spaces, key) == []


async def test_a_cancelled_upload_leaves_nothing_behind(
    storage: S3ObjectStorage, spaces: Spaces
) -> None:
    key = f"outputs/runs/{uuid4()}/big"
    waiting = asyncio.Event()

    async def never_ending() -> AsyncIterator[bytes]:
        yield bytes(6 * MiB)
        yield bytes(6 * MiB)
        waiting.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(storage.put_stream(key, never_ending(), "video/mp4"))
    await waiting.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload

    assert await unfinished_uploads(spaces, key) == []
    assert await stored_keys(spaces, key) == []


@pytest.mark.parametrize(
    "wrong",
    [{"secret": "wrong"}, {"key": "nobody"}, {"bucket": "no-such-bucket"}],
    ids=["secret", "key", "bucket"],
)
async def test_a_wrong_setting_is_a_refusal(spaces: Spaces, wrong: dict[str, str]) -> None:
    async with open_object_storage(msgspec.structs.replace(spaces, **wrong)) as storage:
        with pytest.raises(StorageRefused):
            await storage.check()
        with pytest.raises(StorageRefused):
            await storage.get_bytes("outputs/none")


async def test_a_server_that_is_not_there_is_unavailable(spaces: Spaces) -> None:
    nowhere = msgspec.structs.replace(spaces, endpoint="http://127.0.0.1:9")

    async with open_object_storage(nowhere) as storage:
        with pytest.raises(StorageUnavailable):
            await storage.check()
        with pytest.raises(StorageUnavailable):
            await storage.put_bytes("inputs/a.png", b"x", "image/png")


async def test_an_answer_that_breaks_off_is_unavailable(spaces: Spaces) -> None:
    async with served(broken_off) as endpoint:
        broken = msgspec.structs.replace(spaces, endpoint=endpoint)
        async with open_object_storage(broken) as storage:
            with pytest.raises(StorageUnavailable):
                await storage.get_bytes("outputs/a.png")


@pytest.mark.parametrize(
    ("status", "family"),
    [(503, StorageUnavailable), (400, StorageRefused), (501, StorageRefused)],
)
async def test_an_error_belongs_to_one_family(
    spaces: Spaces, status: int, family: type[Exception]
) -> None:
    async def refuse(_: web.BaseRequest) -> web.Response:
        return web.Response(status=status, text="<html>not what S3 says</html>")

    async with served(refuse) as endpoint:
        broken = msgspec.structs.replace(spaces, endpoint=endpoint)
        async with open_object_storage(broken) as storage:
            with pytest.raises(family):
                await storage.put_bytes("outputs/a.png", b"x", "image/png")
