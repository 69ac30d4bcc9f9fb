"""Builds the credentials check from the settings."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from app.auth.credentials import Credentials
from app.auth.key_uses import KeyUses
from app.auth.oidc import OidcTokens
from app.auth.states import AuthStates
from app.auth.tickets import Tickets
from app.auth.tokens import Tokens
from infra import clock
from infra.event_store import EventStore
from infra.net.jwks import open_jwks
from infra.postgres import Pool
from infra.settings.settings import ANY_AUDIENCE, Settings


@asynccontextmanager
async def open_credentials(
    settings: Settings, store: EventStore, pool: Pool
) -> AsyncIterator[Credentials]:
    """Open the credentials check; the identity provider is asked when its first token comes."""
    uses = KeyUses(pool, clock.now)
    async with AsyncExitStack() as exits:
        await exits.enter_async_context(uses.writing())
        oidc = None
        if settings.auth_jwks_url:
            oidc = OidcTokens(
                await exits.enter_async_context(open_jwks(settings.auth_jwks_url)),
                issuer=settings.auth_issuer,
                audience="" if settings.auth_audience == ANY_AUDIENCE else settings.auth_audience,
            )
        yield Credentials(
            tokens=Tokens(settings.jwt_secret),
            tickets=Tickets(settings.jwt_secret),
            oidc=oidc,
            states=AuthStates(store),
            uses=uses,
            now=clock.now,
        )
