"""Login from a page of ComfyUI: it names a request, a person grants it, the page fetches a key.

Both plugins of comfyui-deploy sign in like this. The id and the secret of the key follow from the
name of the request. So the log needs nothing but the key, an answer that was lost is fetched again,
and the secret is kept nowhere (docs/adr/0036).
"""

import hmac
import re
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from app.auth.caller import Caller
from app.auth.credentials import Credentials
from app.auth.keys import SHOWN, fingerprint, key_of, matches, new_key
from app.auth.scopes import ADMIN, DEPLOY, RUNS_READ, RUNS_WRITE
from app.auth.sealed import derived_key
from app.commands.recorder import Recorder
from events import ids
from events.access.api_key import ApiKey, IssueKey, KeyCommand, KeyEvent, KeyIssued
from events.aggregates import KEY
from events.errors import AlreadyExists, NotFound
from infra.event_store import Session

KEY_LASTS = timedelta(days=7)
"""As the tokens of comfyui-deploy do."""

EDIT_LASTS = timedelta(hours=12)
"""A key in an address stays in the browser's history: it ends with the working day."""

FETCHED_WITHIN = timedelta(minutes=2)
"""Time after the grant in which the page may fetch its key; a plugin asks every two seconds."""

MAY = frozenset({DEPLOY, RUNS_READ, RUNS_WRITE})
"""The most that a page of ComfyUI may do."""

PURPOSE = b"comfyd editor login v1"

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
"""A UUID, or two random numbers with letters. A shorter one could be guessed in the two minutes."""

KeySession = Session[ApiKey, KeyCommand, KeyEvent]


class EditorKey(Struct, frozen=True, kw_only=True):
    """The key of a page of ComfyUI, and for whom it acts."""

    key: str
    name: str
    expires_at: datetime


class LoginOver(Exception):
    """The request was granted, but too long ago for its key to be fetched."""


class EditorLogins:
    """Use-cases by which pages of ComfyUI get keys."""

    def __init__(self, recorder: Recorder, credentials: Credentials, secret: str) -> None:
        self._recorder = recorder
        self._credentials = credentials
        self._secret = derived_key(secret, PURPOSE)

    async def is_granted(self, caller: Caller, request_id: str) -> bool:
        """Return whether the caller has granted this request just now.

        Raises:
            NotFound: no plugin names a request like this.
            AlreadyExists: it was answered, by another person or long ago.
            LogUnavailable: it is not known.

        """
        session = await self._session(request_id, caller.tenant)
        if session.state is None:
            return False
        self._check_pending(caller, session.state)
        return True

    async def grant(self, caller: Caller, request_id: str) -> None:
        """Allow the page that named this request to act for the caller; a second time is nothing.

        Raises:
            NotFound: no plugin names a request like this.
            AlreadyExists: it was answered, by another person or long ago.
            LogUnavailable: it is not granted.

        """
        session = await self._session(request_id, caller.tenant)
        if session.state is None:
            key = self._key(request_id)
            issued = await self._issued(caller, ids.editor_key_id(request_id), key, KEY_LASTS)
            try:
                await self._recorder.execute(caller, session, IssueKey(issued=issued))
            except AlreadyExists:
                await session.load()
        self._check_pending(caller, session.existing)

    async def fetch(self, request_id: str) -> EditorKey | None:
        """Return the key that answers a request; None while it is not granted.

        Raises:
            LoginOver: the time to fetch it is over, or the key was revoked.
            LogUnavailable: it is not known.

        """
        try:
            session = await self._session(request_id)
        except NotFound:
            return None
        if session.state is None:
            return None
        key, issued = self._key(request_id), session.state.issued
        # With another JWT_SECRET than at the grant, another key follows, which opens nothing.
        if not (self._is_pending(session.state) and matches(key, issued.sha256)):
            raise LoginOver
        return _editor_key(key, issued)

    async def issue_for_address(self, caller: Caller) -> EditorKey:
        """Issue a key for the address of a page of ComfyUI, which opens a version there.

        Raises:
            LogUnavailable: it is not made.

        """
        key_id = self._recorder.new_id()
        key = new_key(key_id)
        issued = await self._issued(caller, key_id, key, EDIT_LASTS)
        session = self._recorder.new(caller, KEY, key_id)
        await self._recorder.execute(caller, session, IssueKey(issued=issued))
        return _editor_key(key, issued)

    async def _session(self, request_id: str, tenant: str = "") -> KeySession:
        if not _REQUEST_ID.fullmatch(request_id):
            raise NotFound("a plugin names its requests with 16 to 64 letters and digits")
        key_id = ids.editor_key_id(request_id)
        session: KeySession = Session(self._recorder.store, KEY, key_id, tenant=tenant)
        await session.load()
        return session

    def _check_pending(self, caller: Caller, key: ApiKey) -> None:
        issued = key.issued
        is_theirs = (issued.user_id, issued.org_id) == (caller.user_id, caller.org_id)
        if not (is_theirs and self._is_pending(key)):
            raise AlreadyExists("this login was answered before")

    def _is_pending(self, key: ApiKey) -> bool:
        too_late = key.issued.at + FETCHED_WITHIN
        return key.revoked_at is None and self._recorder.now() < too_late

    def _key(self, request_id: str) -> str:
        secret = hmac.digest(self._secret, request_id.encode(), "sha256")
        return key_of(ids.editor_key_id(request_id), secret)

    async def _issued(self, caller: Caller, key_id: UUID, key: str, lasts: timedelta) -> KeyIssued:
        now = self._recorder.now()
        return KeyIssued(
            key_id=key_id,
            name="ComfyUI",
            sha256=fingerprint(key),
            prefix=key[:SHOWN],
            scopes=tuple(sorted(MAY if ADMIN in caller.scopes else caller.scopes & MAY)),
            deployments=(),
            expires_at=await self._credentials.no_later(caller, now + lasts),
            user_id=caller.user_id,
            org_id=caller.org_id,
            by=caller.actor,
            at=now,
        )


def _editor_key(key: str, issued: KeyIssued) -> EditorKey:
    assert issued.expires_at is not None  # both kinds end
    return EditorKey(
        key=key, name=issued.org_id or issued.user_id or "", expires_at=issued.expires_at
    )
