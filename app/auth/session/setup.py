"""Builds the sign-in at the identity provider from the settings."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from app.auth.oidc import OidcTokens
from app.auth.session.provider import ProviderSignIn
from infra import clock
from infra.net.jwks import open_jwks
from infra.net.oidc_provider import open_oidc_provider
from infra.settings.settings import Settings


@asynccontextmanager
async def open_provider_sign_in(settings: Settings) -> AsyncIterator[ProviderSignIn | None]:
    """Open the sign-in at the identity provider; None if we are no client of one."""
    if not settings.auth_client_id:
        yield None
        return
    async with AsyncExitStack() as exits:
        provider = await exits.enter_async_context(
            open_oidc_provider(
                settings.auth_issuer,
                client_id=settings.auth_client_id,
                client_secret=settings.auth_client_secret,
            )
        )
        tokens = OidcTokens(
            await exits.enter_async_context(open_jwks(settings.auth_jwks_url)),
            issuer=settings.auth_issuer,
            # An ID token is for the client that asked for it (OpenID Connect Core §3.1.3.7).
            audience=settings.auth_client_id,
        )
        yield ProviderSignIn(provider, tokens, secret=settings.jwt_secret, now=clock.now)
