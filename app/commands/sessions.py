"""Sign in and out: start and revoke sessions of browsers."""

from uuid import UUID

from msgspec import Struct

from app.auth.caller import Caller, SignInLinkUsed, Unauthorized
from app.auth.credentials import Credentials
from app.auth.keys import fingerprint, looks_like_a_key
from app.auth.scopes import ADMIN
from app.auth.session.links import SignInLink, SignInLinks
from app.auth.session.secrets import new_secret
from app.auth.tokens import Claims
from app.commands.recorder import Recorder
from app.reads.owned import load_owned, not_found
from events import ids
from events.access.organisation import OWNER
from events.access.session import (
    LIFETIMES,
    BrowserSession,
    RevokeSession,
    SessionStarted,
    SignInMethod,
    StartSession,
)
from events.aggregates import SESSION
from events.errors import AlreadyExists


class NewSession(Struct, frozen=True, kw_only=True):
    """A session that was just started, and the secret for the browser's cookie."""

    session: BrowserSession
    secret: str


class Sessions:
    """Use-cases that change who is signed in."""

    def __init__(self, recorder: Recorder, credentials: Credentials, links: SignInLinks) -> None:
        self._recorder = recorder
        self._credentials = credentials
        self._links = links

    def read_link(self, token: str) -> SignInLink:
        """Return for whom a link is; this does not use it up.

        Raises:
            Unauthorized: it is not one of ours, or it has expired.

        """
        return self._links.open(token, self._recorder.now())

    async def start_with_link(self, token: str) -> NewSession:
        """Start the one session of a link; the first append to its aggregate uses the link up.

        Raises:
            Unauthorized: the link is not one of ours, was used, or has expired.
            NotFound: its person does not belong to the organisation.
            LogUnavailable: not confirmed in time; the link may be used up.

        """
        link = self.read_link(token)
        caller = await self._credentials.caller_of_person(
            user_id=link.user_id, org_id=link.org_id, role=OWNER, credential=""
        )
        session_id = ids.linked_session_id(link.link_id)
        try:
            return await self._start(caller, session_id, SignInMethod.LINK)
        except AlreadyExists as error:
            raise SignInLinkUsed from error

    async def start_with_key(self, key: str) -> NewSession:
        """Start a session that may do what an API key may, and ends with it.

        Raises:
            Unauthorized: it is no key, or one that does not count any more.
            LogUnavailable: the key cannot be checked, or the session is not confirmed.

        """
        if not looks_like_a_key(key):
            raise Unauthorized
        caller = await self._credentials.caller(key)
        return await self._start(caller, self._recorder.new_id(), SignInMethod.KEY)

    async def start_with_provider(self, claims: Claims) -> NewSession:
        """Start a session of a person whom the identity provider has named.

        Raises:
            NotFound: they do not belong to the organisation.
            LogUnavailable: not confirmed in time.

        """
        caller = await self._credentials.caller_of_person(
            user_id=claims.user_id,
            org_id=claims.org_id,
            role=claims.role if claims.org_id else OWNER,
            credential="",
        )
        return await self._start(caller, self._recorder.new_id(), SignInMethod.PROVIDER)

    async def revoke(self, caller: Caller, session_id: UUID) -> None:
        """Revoke a session of the caller's own, or as an admin any of the tenant; again is nothing.

        Raises:
            NotFound: there is no such session that the caller may revoke.
            LogUnavailable: it is not revoked.

        """
        session = await load_owned(self._recorder.store, caller, SESSION, session_id)
        started = session.existing.started
        own = (started.user_id, started.key_id) == (caller.user_id, caller.key_id)
        if not own and ADMIN not in caller.scopes:
            raise not_found(SESSION.kind)
        command = RevokeSession(by=caller.actor, now=self._recorder.now())
        await self._recorder.execute(caller, session, command)
        self._credentials.states.forget(SESSION, session_id)

    async def _start(self, caller: Caller, session_id: UUID, method: SignInMethod) -> NewSession:
        now = self._recorder.now()
        secret = new_secret(session_id)
        started = SessionStarted(
            session_id=session_id,
            sha256=fingerprint(secret),
            method=method,
            user_id=caller.user_id,
            org_id=caller.org_id,
            role=caller.role,
            key_id=caller.key_id,
            expires_at=await self._credentials.no_later(caller, now + LIFETIMES[method]),
            by=caller.actor,
            at=now,
        )
        session = self._recorder.new(caller, SESSION, session_id)
        await session.load()
        await self._recorder.execute(caller, session, StartSession(started=started))
        return NewSession(session=session.existing, secret=secret)
