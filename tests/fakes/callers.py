"""A log in memory with keys, tokens and an organisation, and a process that knows callers by it."""

from typing import Any, cast
from uuid import UUID, uuid4

import jwt
from msgspec.structs import replace

from app.auth.caller import Caller
from app.auth.credentials import Credentials
from app.auth.key_uses import KeyUses
from app.auth.keys import fingerprint, new_key
from app.auth.scopes import RUNS_READ
from app.auth.session.access import PageAccess
from app.auth.session.form_tokens import FormTokens
from app.auth.session.links import SignInLinks
from app.auth.states import AuthStates
from app.auth.tickets import Tickets
from app.auth.tokens import Tokens
from app.commands.recorder import Recorder
from app.commands.sessions import Sessions
from events.access.api_key import IssueKey, KeyIssued
from events.access.organisation import CreateOrganisation, PutMember, RemoveMember
from events.aggregates import KEY, ORGANISATION
from events.decider import Decider
from infra.event_store import Session
from infra.postgres import Pool
from tests.builders.facts import NOW, meta
from tests.fakes.event_store import MemoryEventStore

SECRET = "s" * 64
ACME = UUID("00000000-0000-4000-8000-0000000000ac")


class World:
    """A log in memory, and a process that knows callers by it, at once."""

    def __init__(self) -> None:
        self.log = MemoryEventStore()
        self.now = NOW
        self.uses = KeyUses(cast("Pool", None), lambda: self.now)
        self.credentials = Credentials(
            tokens=Tokens(SECRET),
            tickets=Tickets(SECRET),
            oidc=None,
            states=AuthStates(self.log, lease=0.0),
            uses=self.uses,
            now=lambda: self.now,
        )
        self.pages = PageAccess(
            self.credentials, FormTokens(SECRET), public_url="", now=lambda: self.now
        )
        self.links = SignInLinks(SECRET)
        self.sessions = Sessions(
            Recorder(store=self.log, now=lambda: self.now, new_id=uuid4),
            self.credentials,
            self.links,
        )

    async def happens(
        self, decider: Decider[Any, Any, Any], identifier: UUID, command: object
    ) -> None:
        """Execute a command, as another process would."""
        session = Session(self.log, decider, identifier, tenant="any")
        await session.load()
        await session.execute(command, meta())

    async def key(self, **changes: Any) -> tuple[UUID, str]:
        """Issue a key; return its id and itself."""
        key_id = uuid4()
        key = new_key(key_id)
        issued = KeyIssued(
            key_id=key_id,
            name="plugin",
            sha256=fingerprint(key),
            prefix=key[:8],
            scopes=(RUNS_READ,),
            deployments=(),
            expires_at=None,
            user_id="ada",
            org_id=None,
            by="user:ada",
            at=NOW,
        )
        await self.happens(KEY, key_id, IssueKey(issued=replace(issued, **changes)))
        return key_id, key

    async def acme(self, **members: str) -> None:
        """Create an organisation of Ada's, with more members."""
        create = CreateOrganisation(organisation_id=ACME, name="Acme", owner="ada", now=NOW)
        await self.happens(ORGANISATION, ACME, create)
        for user, role in members.items():
            await self.put(user, role)

    async def put(self, user: str, role: str) -> None:
        """Make a user a member."""
        await self.happens(
            ORGANISATION, ACME, PutMember(user_id=user, role=role, by="test", now=NOW)
        )

    async def remove(self, user: str) -> None:
        """Remove a member."""
        await self.happens(ORGANISATION, ACME, RemoveMember(user_id=user, by="test", now=NOW))

    async def caller(self, credential: str, organisation: object = "") -> Caller:
        """Return who calls with this credential."""
        return await self.credentials.caller(credential, str(organisation))


def token(**claims: Any) -> str:
    """Sign a token of Ada's; a claim that is None is left out."""
    signed = {"user_id": "ada", "iat": 1} | claims
    signed = {name: value for name, value in signed.items() if value is not None}
    return jwt.encode(signed, SECRET, algorithm="HS256")
