"""Access to pages: from the secret in a cookie to a caller."""

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from app.auth.caller import Caller, SessionEnded, Unauthorized
from app.auth.credentials import Credentials
from app.auth.keys import matches
from app.auth.session.form_tokens import FormTokens
from app.auth.session.secrets import session_id_in
from events.access.session import BrowserSession
from events.aggregates import SESSION
from events.errors import NotFound


class PageAccess:
    """Knows callers by their sessions, and the forms of their pages."""

    def __init__(
        self,
        credentials: Credentials,
        forms: FormTokens,
        *,
        public_url: str,
        now: Callable[[], datetime],
    ) -> None:
        """Take *public_url* for the address of our pages, besides those of the requests."""
        self.forms = forms
        self.public_url = public_url
        self._credentials = credentials
        self._now = now

    async def caller(self, secret: str) -> Caller:
        """Return the caller of a session.

        Raises:
            Unauthorized: it is no secret of a session.
            SessionEnded: the session, its key or its person does not count any more.
            LogUnavailable: it cannot be checked now.

        """
        session_id = session_id_in(secret)
        if session_id is None:
            raise Unauthorized
        session = await self._credentials.states.of(SESSION, session_id)
        if session is None or not matches(secret, session.started.sha256):
            raise Unauthorized
        if session.revoked_at is not None or session.expired(self._now()):
            raise SessionEnded
        try:
            return replace(await self._holder(session), session=session_id)
        except (Unauthorized, NotFound) as error:
            raise SessionEnded from error

    async def _holder(self, session: BrowserSession) -> Caller:
        started = session.started
        if started.key_id:
            return await self._credentials.caller_of_key(started.key_id)
        return await self._credentials.caller_of_person(
            user_id=started.user_id,
            org_id=started.org_id,
            role=started.role,
            credential=f"session:{session.id}",
        )
