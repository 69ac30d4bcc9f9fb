"""Probe of object storage as runs and their readers use it: write, then read by the public URL."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from uuid import UUID

import aiohttp
from msgspec import Struct
from msgspec.structs import replace

from infra.s3.keys import output_key
from infra.s3.port import ObjectStorage, StorageRefused, StorageUnavailable
from infra.s3.urls import public_url
from infra.settings.settings import Spaces

_RUN = UUID(int=0)
"""No run has this id: the probe lies where outputs lie, since only these are public for certain."""

KEY = output_key(_RUN, "comfyd-doctor.txt")
CONTENT = b"Written by `comfyd doctor`, which reads it again where people fetch files.\n"
ORIGIN = "https://example.com"
"""A page that is not ours: images are used on such."""

WITHIN = 10.0


class StorageProbe(Struct, frozen=True, kw_only=True):
    """What came of it."""

    url: str
    """Where the reading can be repeated."""

    write_error: str = ""
    read_error: str = ""
    is_ours: bool = False
    """Whether comfyd serves the file itself."""

    open_to_pages: bool = False
    """Whether pages of other origins may read files (CORS)."""


async def probe_storage(storage: ObjectStorage, spaces: Spaces) -> StorageProbe:
    """Write a small object and fetch it from its public address."""
    url = public_url(spaces, KEY)
    found = StorageProbe(url=url, is_ours=bool(spaces.files_url))
    try:
        await storage.put_stream(KEY, _content(), "text/plain")
    except (StorageUnavailable, StorageRefused) as error:
        return replace(found, write_error=str(error))
    try:
        async with (
            asyncio.timeout(WITHIN),
            aiohttp.ClientSession() as session,
            session.get(url, headers={"Origin": ORIGIN}) as answer,
        ):
            body = await answer.content.read(len(CONTENT) + 1)
            allowed = answer.headers.get("Access-Control-Allow-Origin", "")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return replace(found, read_error=str(error) or type(error).__name__)
    if answer.status != HTTPStatus.OK or body != CONTENT:
        return replace(found, read_error=f"it answers {answer.status}")
    return replace(found, open_to_pages=allowed in {"*", ORIGIN})


async def _content() -> AsyncIterator[bytes]:
    yield CONTENT
