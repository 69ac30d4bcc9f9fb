"""Login from a page of ComfyUI: it names a request, a person grants it, the page fetches a key.

Both plugins of comfyui-deploy sign in like this. The id and the secret of the key follow from the
name of the request. So a grant that is sent twice makes one key, and the secret is kept nowhere.
It is handed out once: an answer that is lost costs another login (docs/adr/0036).
"""

import hmac
import re
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct

from app.auth.caller import Caller
from app.auth.credentials import Credentials
from app.auth.keys import SHOWN, fingerprint, key_of, matches
from app.auth.scopes import ADMIN, DEPLOY
from app.auth.sealed import derived_key
from app.commands.recorder import Recorder
from events import ids
from events.access.api_key import (
    ApiKey,
    FetchKey,
    IssueKey,
    KeyCommand,
    KeyEvent,
    KeyIssued,
    RevokeKey,
)
from events.aggregates import KEY
from events.errors import AlreadyExists, NotFound
from infra.event_store import Session

KEY_LASTS = timedelta(days=7)
"""As the tokens of comfyui-deploy do."""

FETCHED_WITHIN = timedelta(minutes=2)
"""Time after the grant in which the page may fetch its key; a plugin asks every two seconds."""

MAY = frozenset({DEPLOY})
"""The most that a page of ComfyUI may do: plugins save and read workflows, and start no runs."""

PURPOSE = b"comfyd editor login v1"

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
"""A UUID, or two random numbers with letters. A shorter one could be guessed in the two minutes."""

KeySession = Session[ApiKey, KeyCommand, KeyEvent]


class EditorKey(Struct, frozen=True, kw_only=True):
    """The key of a page of ComfyUI, and for whom it acts."""

    key: str
    name: str


def is_request_id(text: str) -> bool:
    """Return whether a plugin names its requests like this."""
    return _REQUEST_ID.fullmatch(text) is not None


class LoginStatus(StrEnum):
    """The state of a login, for the person who looks at it."""

    WAITING = "waiting"
    GRANTED = "granted"
    FETCHED = "fetched"
    OVER = "over"
    """Granted by another person, too late to be fetched, or its key was revoked."""


class LoginOver(Exception):
    """The key of this login was fetched before, or can no longer be."""


class EditorLogins:
    """Use-cases by which pages of ComfyUI get keys."""

    def __init__(self, recorder: Recorder, credentials: Credentials, secret: str) -> None:
        self._recorder = recorder
        self._credentials = credentials
        self._secret = derived_key(secret, PURPOSE)

    async def status(self, caller: Caller, request_id: str) -> LoginStatus:
        """Return how far a login is.

        Raises:
            NotFound: no plugin names a request like this.
            LogUnavailable: it is not known.

        """
        session = await self._session(request_id, caller.tenant)
        return self._status(caller, session.state)

    async def grant(self, caller: Caller, request_id: str, *, name: str) -> LoginStatus:
        """Allow the page that named this request to act for the caller; a second time is nothing.

        The key stands under *name* in the list of keys.

        Raises:
            NotFound: no plugin names a request like this.
            LogUnavailable: it is not granted.

        """
        session = await self._session(request_id, caller.tenant)
        if session.state is None:
            issued = await self._issued(caller, request_id, name)
            try:
                await self._recorder.execute(caller, session, IssueKey(issued=issued))
            except AlreadyExists:
                await session.load()
        return self._status(caller, session.existing)

    async def take_back(self, caller: Caller, request_id: str) -> None:
        """Revoke the key of a login that the caller has granted; of any other nothing is changed.

        Raises:
            NotFound: no plugin names a request like this.
            LogUnavailable: it is not revoked.

        """
        session = await self._session(request_id, caller.tenant)
        if self._status(caller, session.state) in {LoginStatus.GRANTED, LoginStatus.FETCHED}:
            command = RevokeKey(by=caller.actor, now=self._recorder.now())
            await self._recorder.execute(caller, session, command)
            self._credentials.states.forget(KEY, session.existing.id)

    async def fetch(self, request_id: str) -> EditorKey | None:
        """Return the key that answers a request, once; None while it is not granted.

        Raises:
            LoginOver: it was fetched before, the time to fetch it is over, or it was revoked.
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
        holder = Caller(
            user_id=issued.user_id, org_id=issued.org_id, credential=f"key:{issued.key_id}"
        )
        try:
            await self._recorder.execute(holder, session, FetchKey(now=self._recorder.now()))
        except AlreadyExists as error:
            raise LoginOver from error
        return EditorKey(key=key, name=issued.org_id or issued.user_id or "")

    async def _session(self, request_id: str, tenant: str = "") -> KeySession:
        if not is_request_id(request_id):
            raise NotFound("a plugin names its requests with 16 to 64 letters and digits")
        key_id = ids.editor_key_id(request_id)
        session: KeySession = Session(self._recorder.store, KEY, key_id, tenant=tenant)
        await session.load()
        return session

    def _status(self, caller: Caller, key: ApiKey | None) -> LoginStatus:
        if key is None:
            return LoginStatus.WAITING
        issued = key.issued
        is_theirs = (issued.user_id, issued.org_id) == (caller.user_id, caller.org_id)
        if is_theirs and key.fetched_at and key.revoked_at is None:
            return LoginStatus.FETCHED
        return LoginStatus.GRANTED if is_theirs and self._is_pending(key) else LoginStatus.OVER

    def _is_pending(self, key: ApiKey) -> bool:
        too_late = key.issued.at + FETCHED_WITHIN
        is_open = key.revoked_at is None and key.fetched_at is None
        return is_open and self._recorder.now() < too_late

    def _key(self, request_id: str) -> str:
        secret = hmac.digest(self._secret, request_id.encode(), "sha256")
        return key_of(ids.editor_key_id(request_id), secret)

    async def _issued(self, caller: Caller, request_id: str, name: str) -> KeyIssued:
        now, key = self._recorder.now(), self._key(request_id)
        return KeyIssued(
            key_id=ids.editor_key_id(request_id),
            name=name,
            sha256=fingerprint(key),
            prefix=key[:SHOWN],
            scopes=tuple(sorted(MAY if ADMIN in caller.scopes else caller.scopes & MAY)),
            deployments=(),
            expires_at=await self._credentials.no_later(caller, now + KEY_LASTS),
            user_id=caller.user_id,
            org_id=caller.org_id,
            by=caller.actor,
            at=now,
        )
