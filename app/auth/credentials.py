"""Authentication: from a credential to a caller with a role and scopes.

The signature of a token is checked once and cached: checking it again would cost more than the rest
of a status poll. Revocations and members are looked up for each request (app/auth/states.py).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import jwt
from cachetools import TLRUCache

from app.auth.caller import (
    Caller,
    KeyExpired,
    KeyRevoked,
    TicketRevoked,
    TokenRevoked,
    Unauthorized,
)
from app.auth.key_uses import KeyUses
from app.auth.keys import key_id_in, looks_like_a_key, matches
from app.auth.oidc import OidcTokens
from app.auth.scopes import DEPLOY, RUNS_READ, RUNS_WRITE, SCOPES, TICKET
from app.auth.states import AuthStates
from app.auth.tickets import Ticket, Tickets
from app.auth.tokens import ALGORITHMS, CANNOT_READ, Claims, Tokens
from events.access.api_key import ApiKey
from events.access.organisation import MEMBER, OWNER, VIEWER, Organisation
from events.aggregates import KEY, ORGANISATION, SESSION, TOKEN
from events.errors import NotFound

REMEMBERED = 10_000
LONGEST = 8192
"""Characters of a credential; longer ones are not looked at."""

SCOPES_OF_ROLE: Mapping[str, frozenset[str]] = {
    OWNER: SCOPES,
    MEMBER: frozenset({DEPLOY, RUNS_WRITE, RUNS_READ}),
    VIEWER: frozenset({RUNS_READ}),
}


class Credentials:
    """Authenticates by our own tokens, those of an identity provider, API keys and tickets."""

    def __init__(
        self,
        *,
        tokens: Tokens,
        tickets: Tickets,
        oidc: OidcTokens | None,
        states: AuthStates,
        uses: KeyUses,
        now: Callable[[], datetime],
    ) -> None:
        """Accept tokens of an identity provider only if there is one (*oidc*)."""
        self.states = states
        self._tokens = tokens
        self._tickets = tickets
        self._oidc = oidc
        self._uses = uses
        self._now = now
        self._verified: TLRUCache[str, Claims] = TLRUCache(
            REMEMBERED,
            ttu=lambda _, claims, __: claims.until,
            timer=lambda: now().timestamp(),
        )

    async def caller(self, credential: str, organisation: str = "") -> Caller:
        """Return the caller who shows *credential*, acting for *organisation* if one is named.

        Raises:
            Unauthorized: it is not valid, or not any more.
            NotFound: there is no such organisation that they belong to.
            LogUnavailable, IdentityProviderUnavailable: it cannot be checked now.

        """
        if not credential or len(credential) > LONGEST:
            raise Unauthorized
        if looks_like_a_key(credential):
            return await self._caller_with_key(credential, organisation)
        claims = await self.claims(credential)
        if await self.states.of(TOKEN, claims.token_id):
            raise TokenRevoked
        return await self._caller_with_token(claims, organisation)

    async def issue_ticket(
        self, caller: Caller, aggregate: str, *, seconds: int, deployments: Iterable[UUID] = ()
    ) -> tuple[str, datetime]:
        """Issue a ticket for a thing of the caller's; return it and when it expires.

        It shows nothing but what concerns the *deployments*, or those of the caller.
        It ends with the caller's key at the latest. A token it outlives: those of people who sign
        in last for a minute, and are renewed all the time.

        Raises:
            LogUnavailable: the end of the key is not known now.

        """
        ends = await self.no_later(caller, self._now() + timedelta(seconds=seconds))
        ticket = Ticket(
            aggregate=aggregate,
            credential=caller.credential,
            user_id=caller.user_id,
            org_id=caller.org_id,
            expires_at=ends,
            deployments=tuple(sorted(set(deployments) or caller.deployments)),
        )
        return self._tickets.seal(ticket), ticket.expires_at

    async def no_later(self, caller: Caller, end: datetime) -> datetime:
        """Return *end*, or the end of the caller's key if that is sooner.

        Raises:
            LogUnavailable: the end of the key is not known now.

        """
        key = await self._key_of(caller)
        ends = key.issued.expires_at if key else None
        return min(end, ends) if ends else end

    async def caller_with_ticket(self, sealed: str, aggregate: str | None) -> Caller:
        """Return the caller who shows a ticket to read *aggregate*; None for the whole tenant.

        Raises:
            Unauthorized: it is not valid, or not any more.
            NotFound: it is for something else.
            LogUnavailable: it cannot be checked now.

        """
        if len(sealed) > LONGEST:
            raise Unauthorized
        ticket = self._tickets.open(sealed, self._now())
        caller = Caller(
            user_id=ticket.user_id,
            org_id=ticket.org_id,
            scopes=frozenset({RUNS_READ}),
            role=TICKET,
            deployments=frozenset(ticket.deployments),
            credential=ticket.credential,
            ticket=ticket.aggregate,
        )
        if await self.withdrawn(caller):
            raise TicketRevoked
        if ticket.aggregate != (caller.tenant if aggregate is None else aggregate):
            raise NotFound("this ticket is for something else")
        return caller

    async def claims(self, token: str) -> Claims:
        """Return the claims of a token, whether it was revoked or not.

        Raises:
            Unauthorized: it is not valid.
            IdentityProviderUnavailable: its key is not known, and the issuer cannot be asked.

        """
        claims = self._verified.get(token)
        if claims is None:
            claims = self._verified[token] = await self._verify(token)
        return claims

    async def withdrawn(self, caller: Caller) -> bool:
        """Return whether a caller who was accepted would be refused now, or be shown other things.

        For streams, which go on long after. A token that has expired meanwhile is no reason:
        clients begin a stream with a short-lived one.

        Raises:
            LogUnavailable: it cannot be checked now.

        """
        if caller.session and await self._session_ended(caller.session):
            return True
        kind, _, identifier = caller.credential.partition(":")
        if kind == "key":
            key = await self._key_of(caller)
            return key is None or key.revoked_at is not None
        if kind == "token" and await self.states.of(TOKEN, UUID(identifier)) is not None:
            return True
        managed = await self._managed(caller.org_id)
        if managed is None:
            return False
        role = managed.members.get(caller.user_id or "")
        return role is None or caller.role not in {role, TICKET}

    def depends_on(self, caller: Caller) -> Sequence[str]:
        """Return the names of the aggregates by which a caller may be withdrawn."""
        kind, _, identifier = caller.credential.partition(":")
        names = [one.name(UUID(identifier)) for one in (KEY, TOKEN) if one.kind == kind]
        if caller.session:
            names.append(SESSION.name(caller.session))
        if organisation := _managed_id(caller.org_id):
            names.append(ORGANISATION.name(organisation))
        return names

    async def caller_of_key(self, key_id: UUID) -> Caller:
        """Return the caller that a key stands for, whose secret was checked before.

        Raises:
            KeyRevoked, KeyExpired: it does not count any more.
            Unauthorized: there is no such key.
            LogUnavailable: it cannot be checked now.

        """
        key = await self.states.of(KEY, key_id)
        if key is None:
            raise Unauthorized
        return self._caller_of(key)

    async def caller_of_person(
        self, *, user_id: str | None, org_id: str | None, role: str, credential: str
    ) -> Caller:
        """Return a person as a caller; *role* counts where no members are managed here.

        Raises:
            NotFound: they do not belong to the organisation any more.
            LogUnavailable: it cannot be checked now.

        """
        managed = await self._managed(org_id)
        if managed is not None:
            if (member := managed.members.get(user_id or "")) is None:
                raise _no_such_organisation()
            org_id, role = str(managed.id), member
        return Caller(
            user_id=user_id,
            org_id=org_id,
            scopes=SCOPES_OF_ROLE[role],
            role=role,
            credential=credential,
        )

    async def _session_ended(self, session_id: UUID) -> bool:
        session = await self.states.of(SESSION, session_id)
        return session is None or session.revoked_at is not None or session.expired(self._now())

    async def _key_of(self, caller: Caller) -> ApiKey | None:
        if caller.key_id is None:
            return None
        return await self.states.of(KEY, caller.key_id)

    async def _caller_with_key(self, credential: str, organisation: str) -> Caller:
        key_id = key_id_in(credential)
        if key_id is None:
            raise Unauthorized
        key = await self.states.of(KEY, key_id)
        if key is None or not matches(credential, key.issued.sha256):
            raise Unauthorized
        caller = self._caller_of(key)
        if organisation and organisation != caller.org_id:
            raise _no_such_organisation()
        return caller

    def _caller_of(self, key: ApiKey) -> Caller:
        if key.revoked_at is not None:
            raise KeyRevoked
        if key.expired(self._now()):
            raise KeyExpired
        issued = key.issued
        self._uses.note(key.id)
        return Caller(
            user_id=issued.user_id,
            org_id=issued.org_id,
            scopes=frozenset(issued.scopes),
            role="key",
            deployments=frozenset(issued.deployments),
            credential=f"key:{key.id}",
        )

    async def _verify(self, token: str) -> Claims:
        try:
            own = jwt.get_unverified_header(token).get("alg") in ALGORITHMS
        except CANNOT_READ as error:
            raise Unauthorized from error
        if own or self._oidc is None:
            return self._tokens.verify(token)
        return await self._oidc.verify(token)

    async def _caller_with_token(self, claims: Claims, organisation: str) -> Caller:
        # A token that names an organisation is for that one only.
        if organisation and claims.org_id and organisation != claims.org_id:
            raise _no_such_organisation()
        org_id = claims.org_id or organisation or None
        if org_id != claims.org_id and await self._managed(org_id) is None:
            raise _no_such_organisation()
        return await self.caller_of_person(
            user_id=claims.user_id,
            org_id=org_id,
            role=claims.role if org_id else OWNER,
            credential=f"token:{claims.token_id}",
        )

    async def _managed(self, org_id: str | None) -> Organisation | None:
        """Return the organisation if its members are managed here."""
        identifier = _managed_id(org_id)
        if identifier is None:
            return None
        return await self.states.of(ORGANISATION, identifier)


def _managed_id(org_id: str | None) -> UUID | None:
    """Return the id of an organisation that may be managed here; others have ids of other forms."""
    try:
        return UUID(org_id or "")
    except ValueError:
        return None


def _no_such_organisation() -> NotFound:
    return NotFound("there is no organisation with this id that you belong to")
