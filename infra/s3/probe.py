"""Probe of object storage as runs and their clients use it: write, read, store by a signed address.

The last two as a web page does them, which also needs CORS.
"""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from uuid import UUID

import aiohttp
from msgspec import Struct
from msgspec.structs import replace

from infra.s3.cors import OPAQUE, ORIGINS, PREFLIGHT, lacks_for_reading, lacks_for_storing
from infra.s3.keys import output_key, reach_key
from infra.s3.port import ObjectStorage, StorageRefused, StorageUnavailable
from infra.s3.urls import public_url
from infra.settings.settings import Spaces

_RUN = UUID(int=0)
"""No run has this id: the probe lies where outputs lie, since only these are public for certain."""

KEY = output_key(_RUN, "comfyd-doctor.txt")
CONTENT = b"Written by `comfyd doctor`, which reads it again where people fetch files.\n"
_UPLOAD = reach_key(_RUN)
_TYPE = "image/png"

WITHIN = 10.0


class StorageProbe(Struct, frozen=True, kw_only=True):
    """What came of it."""

    url: str
    """Where the reading can be repeated."""

    write_error: str = ""
    read_error: str = ""
    is_ours: bool = False
    """Whether comfyd serves the file itself."""

    origin: str = OPAQUE
    """Of the pages that cannot read it."""

    reading_lacks: str = ""
    """The header without which pages of other origins cannot read the file (CORS)."""

    upload_url: str = ""
    """Where clients store images themselves."""

    upload_error: str = ""
    storing_lacks: str = ""
    """What keeps pages from storing an image (CORS)."""


async def probe_storage(storage: ObjectStorage, spaces: Spaces) -> StorageProbe:
    """Write a small object, fetch it from its public address, and store one as a page does."""
    found = StorageProbe(url=public_url(spaces, KEY), is_ours=bool(spaces.files_url))
    try:
        await storage.put_stream(KEY, _content(), "text/plain")
        upload_url = await storage.upload_url(_UPLOAD, _TYPE, seconds=int(WITHIN) + 60)
    except (StorageUnavailable, StorageRefused) as error:
        return replace(found, write_error=str(error))
    async with aiohttp.ClientSession() as session:
        found, stored = await asyncio.gather(
            _read(session, found), _store(session, found, upload_url)
        )
    return replace(
        found,
        upload_url=stored.upload_url,
        upload_error=stored.upload_error,
        storing_lacks=stored.storing_lacks,
    )


async def _read(session: aiohttp.ClientSession, found: StorageProbe) -> StorageProbe:
    """Fetch the file as pages of each origin do."""
    for origin in ORIGINS:
        try:
            async with (
                asyncio.timeout(WITHIN),
                session.get(found.url, headers={"Origin": origin}) as answer,
            ):
                body = await answer.content.read(len(CONTENT) + 1)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return replace(found, read_error=_reason(error))
        if answer.status != HTTPStatus.OK or body != CONTENT:
            return replace(found, read_error=f"it answers {answer.status}")
        if lacking := lacks_for_reading(answer.headers, origin):
            return replace(found, origin=origin, reading_lacks=lacking)
    return found


async def _store(session: aiohttp.ClientSession, found: StorageProbe, url: str) -> StorageProbe:
    """Ask as browsers do whether a page may store, then store; what is there is replaced."""
    found = replace(found, upload_url=url.partition("?")[0])
    headers = {"Origin": OPAQUE, "Content-Type": _TYPE}
    try:
        async with asyncio.timeout(WITHIN):
            async with session.options(url, headers=PREFLIGHT) as asked:
                lacking = lacks_for_storing(asked.status, asked.headers)
            async with session.put(url, data=CONTENT, headers=headers) as put:
                lacking = lacking or lacks_for_reading(put.headers, OPAQUE)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return replace(found, upload_error=_reason(error))
    if not put.ok:
        return replace(found, upload_error=f"it answers {put.status}")
    return replace(found, storing_lacks=lacking)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _content() -> AsyncIterator[bytes]:
    yield CONTENT
