"""Take callbacks of machines with comfyui-deploy's plugin, and hand out URLs for their files.

A callback is answered before anything is done about it, whatever it is: the plugin repeats one that
is refused or slow, and after five refusals it can end ComfyUI. So what cannot be done is counted.
"""

import asyncio
import binascii
import logging
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec
from cachetools import TTLCache
from msgspec import Struct

from app.auth.caller import Unauthorized
from app.http.bad_request import bad
from events.aggregates import RUN
from events.errors import CallbackLate, NotFound
from events.run.callback import (
    CHECK,
    CallbackClaims,
    Verdict,
    judge,
    judge_token,
    may_keep_log,
)
from events.run.state import Run
from infra.comfyui.plugin.callbacks import Callback, EncodedImage, read_callback
from infra.comfyui.plugin.tokens import CallbackTokens
from infra.event_store import EventStore, LogUnavailable, load
from infra.images.accepted import ImageFacts, ImageRefused
from infra.jetstream.errors import NatsError
from infra.masking import masker
from infra.offload import SMALL, in_thread_if
from infra.s3.keys import reach_key, staged_key
from infra.s3.port import ObjectStorage, StorageRefused, StorageUnavailable
from infra.s3.served_types import may_be_put
from infra.s3.urls import public_url
from infra.settings.settings import Spaces
from infra.telemetry.api_metrics import CallbackOutcome

log = logging.getLogger(__name__)

WAITING = 1000
"""Callbacks that may wait to be looked at, and their bytes; more are dropped."""

WAITING_BYTES = 256 * 1024 * 1024
AT_ONCE = 4

KNOWN_FOR = 1.0
"""Seconds for which the state of a run is taken to be true, where only hints follow from it."""

URL_VALID = 600
"""Seconds: the plugin repeats an upload with the same URL, up to half a minute after it failed."""


class Waiting(Struct, frozen=True, kw_only=True):
    """A callback that was answered, and is not looked at yet."""

    claims: CallbackClaims
    body: bytes


class Upload(Struct, frozen=True, kw_only=True):
    """Where a machine may store a file."""

    url: str
    download_url: str
    """Where people would find it."""


class MachineLogs(Protocol):
    """Where logs of machines are kept."""

    async def put_log(self, run_id: UUID, attempt: int, text: str) -> None:
        """Keep one; the first stays."""

    async def erase_log(self, run_id: UUID, attempt: int) -> None:
        """Delete it."""


class Callbacks:
    """Use-cases of what machines send by themselves."""

    def __init__(  # noqa: PLR0913 -- each is one of the things that a callback may touch
        self,
        tokens: CallbackTokens,
        store: EventStore,
        storage: ObjectStorage,
        spaces: Spaces,
        *,
        logs: MachineLogs,
        largest: int,
        inspect: Callable[[bytes], Awaitable[ImageFacts]],
        say: Callable[[UUID, bytes], Awaitable[None]],
        now: Callable[[], datetime],
        count: Callable[[CallbackOutcome], None],
    ) -> None:
        """Pass on by *say* what is said of a prompt; *inspect* images.

        Callbacks of more than *largest* bytes are not read to their end.
        """
        self.largest = largest
        self._tokens = tokens
        self._store = store
        self._storage = storage
        self._spaces = spaces
        self._logs = logs
        self._inspect = inspect
        self._say = say
        self._now = now
        self._count = count
        self._waiting: asyncio.Queue[Waiting] = asyncio.Queue(WAITING)
        self._bytes = 0
        self._runs: TTLCache[UUID, Run | None] = TTLCache(maxsize=1000, ttl=KNOWN_FOR)

    def admit(self, token: str) -> CallbackClaims | None:
        """Return what the token of a callback proves; None, and count it, if that is nothing."""
        claims = self._tokens.claims(token)
        verdict = judge_token(claims, None, self._now())
        if verdict is Verdict.TAKEN:
            return claims
        self._count(CallbackOutcome(verdict))
        return None

    def take(self, claims: CallbackClaims, body: bytes | None) -> None:
        """Take a callback that was admitted; None: its body was too large, or not sent whole."""
        if body is None:
            self._count(CallbackOutcome.UNREADABLE)
            return
        if self._waiting.full() or self._bytes + len(body) > WAITING_BYTES:
            self._count(CallbackOutcome.DROPPED)
            return
        self._bytes += len(body)
        self._waiting.put_nowait(Waiting(claims=claims, body=body))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Look at what was taken during the block; what is left at its end is forgotten."""
        workers = [asyncio.create_task(self._work()) for _ in range(AT_ONCE)]
        try:
            yield
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers)

    async def upload_url(self, token: str, filename: str, media_type: str) -> Upload:
        """Return where the machine may store a file of the token's attempt.

        Raises:
            Unauthorized: the token is missing, forged or expired.
            NotFound: there is no such run.
            CallbackLate: the attempt is over.
            BadRequest: a browser would run a file of this type, or it has no name.
            LogUnavailable, StorageUnavailable: try again.

        """
        claims = self._tokens.claims(token)
        if claims is None or judge_token(claims, None, self._now()) is not Verdict.TAKEN:
            raise Unauthorized
        if not may_be_put(media_type):
            raise bad("media_type_refused", "/type", type=media_type[:100])
        key = await self._key(claims, filename)
        url = await self._storage.upload_url(key, media_type, seconds=URL_VALID)
        return Upload(url=url, download_url=public_url(self._spaces, key))

    async def _key(self, claims: CallbackClaims, filename: str) -> str:
        if claims.attempt == CHECK:
            return reach_key(claims.run_id)
        if not filename:
            raise bad("field_missing", "/file_name", field="file_name")
        verdict = judge(claims, (await load(self._store, RUN, claims.run_id)).state)
        if verdict is Verdict.FOREIGN:
            raise NotFound("Run not found")
        if verdict is Verdict.LATE:
            raise CallbackLate
        return staged_key(claims.run_id, claims.attempt, filename)

    async def _work(self) -> None:
        while True:
            waiting = await self._waiting.get()
            try:
                self._count(await self._look_at(waiting))
            except Exception:
                # One callback must not end the loop that looks at all others.
                log.exception("callback.failed")
            finally:
                self._bytes -= len(waiting.body)

    async def _look_at(self, waiting: Waiting) -> CallbackOutcome:
        claims, body = waiting.claims, waiting.body
        callback = await in_thread_if(len(body) > SMALL, read_callback, body)
        if callback is None:
            return CallbackOutcome.UNREADABLE
        verdict = judge_token(claims, callback.prompt_id, self._now())
        if verdict is not Verdict.TAKEN:
            return CallbackOutcome(verdict)
        try:
            run = await self._run(claims, fresh=bool(callback.images or callback.log))
            verdict = judge(claims, run)
            if has_log := bool(callback.log) and may_keep_log(claims, run):
                await self._keep_log(claims, callback.log)
            if verdict is Verdict.TAKEN:
                return await self._act(claims, callback)
            return CallbackOutcome.TAKEN if has_log else CallbackOutcome(verdict)
        except (LogUnavailable, StorageUnavailable, StorageRefused):
            return CallbackOutcome.UNCHECKED

    async def _run(self, claims: CallbackClaims, *, fresh: bool) -> Run | None:
        """Return the run; not *fresh*, as it was a moment ago, unless the attempt is newer."""
        run = self._runs.get(claims.run_id)
        if fresh or run is None or (not run.ended and judge(claims, run) is Verdict.LATE):
            run = (await load(self._store, RUN, claims.run_id)).state
            self._runs[claims.run_id] = run
        return run

    async def _act(self, claims: CallbackClaims, callback: Callback) -> CallbackOutcome:
        for frame in callback.frames:
            # A hint may be lost; and half a character in it cannot be written.
            with suppress(NatsError, UnicodeEncodeError):
                await self._say(claims.prompt_id, msgspec.json.encode(frame))
        try:
            for image in callback.images:
                await self._store_image(claims, image)
        except ImageRefused:
            return CallbackOutcome.UNREADABLE
        return CallbackOutcome.TAKEN

    async def _keep_log(self, claims: CallbackClaims, text: str) -> None:
        """Keep a machine's log beside the run, without what is secret in it."""
        run_id, attempt = claims.run_id, claims.attempt
        mask = masker({self._tokens.make(claims)})
        await self._logs.put_log(run_id, attempt, await in_thread_if(len(text) > SMALL, mask, text))
        if not may_keep_log(claims, await self._run(claims, fresh=True)):
            # It was erased meanwhile, and this came too late to be deleted with it.
            await self._logs.erase_log(run_id, attempt)

    async def _store_image(self, claims: CallbackClaims, image: EncodedImage) -> None:
        """Store an image that was sent with a callback, as what its bytes are."""
        data = await in_thread_if(len(image.data) > SMALL, _decoded, image.data)
        facts = await self._inspect(data)
        key = staged_key(claims.run_id, claims.attempt, image.filename)
        await self._storage.put_bytes(key, data, facts.media_type)


def _decoded(data: str) -> bytes:
    """Read base64; what is none is no image either, and found out when it is inspected."""
    head, comma, rest = data.partition(",")
    try:
        return b64decode(rest if comma and head.startswith("data:") else data, validate=True)
    except (binascii.Error, ValueError):
        return b""
