"""An identity provider is believed only as far as what it says of itself is safe."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import jwt
import pytest

from infra.embedded.ports import LOOPBACK
from infra.net.jwks import IdentityProviderUnavailable
from infra.net.oidc_provider import CodeRefused, OidcProvider, open_oidc_provider
from tests.network.ports import free_port
from tests.servers.sign_in_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    SignInProvider,
    running_sign_in_provider,
)

VERIFIER = "v" * 64
BACK = "http://127.0.0.1:3000/back"


@pytest.fixture
async def issuer() -> AsyncIterator[SignInProvider]:
    async with running_sign_in_provider() as running:
        yield running


async def a_code(issuer: SignInProvider) -> str:
    """Sign in at the issuer, as a browser does; return the code."""
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    query = urlencode(
        {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": BACK,
            "scope": "openid",
            "state": "s",
            "nonce": "n",
            "code_challenge": urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
    )
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{issuer.url}/authorize?{query}", allow_redirects=False) as answer,
    ):
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


@pytest.mark.parametrize(
    ("secret", "methods", "way"),
    [
        (CLIENT_SECRET, ["client_secret_basic", "client_secret_post"], "basic"),
        (CLIENT_SECRET, ["client_secret_post"], "post"),
        ("", ["none"], "public"),
    ],
)
async def test_a_client_names_itself_as_the_provider_takes_it(
    issuer: SignInProvider, secret: str, methods: list[str], way: str
) -> None:
    issuer.auth_methods = methods
    async with open_oidc_provider(
        issuer.url, client_id=CLIENT_ID, client_secret=secret
    ) as provider:
        token = await provider.exchange(await a_code(issuer), verifier=VERIFIER, redirect_uri=BACK)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["sub"], claims["aud"], claims["nonce"]) == ("ada", CLIENT_ID, "n")
    assert issuer.asked_with == [way]


async def test_a_code_of_another_sign_in_is_refused(issuer: SignInProvider) -> None:
    async with open_oidc_provider(
        issuer.url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET
    ) as provider:
        for verifier, back in (("w" * 64, BACK), (VERIFIER, "http://127.0.0.1:3001/back")):
            code = await a_code(issuer)
            with pytest.raises(CodeRefused):
                await provider.exchange(code, verifier=verifier, redirect_uri=back)
    async with open_oidc_provider(
        issuer.url, client_id=CLIENT_ID, client_secret="wrong"
    ) as stranger:
        code = await a_code(issuer)
        with pytest.raises(CodeRefused):
            await stranger.exchange(code, verifier=VERIFIER, redirect_uri=BACK)


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://another.example"},
        {"authorization_endpoint": "http://id.example/authorize"},
        {"token_endpoint": "ftp://id.example/token"},
        {"token_endpoint": None},
    ],
)
async def test_a_description_that_leads_elsewhere_is_not_followed(
    issuer: SignInProvider, said: dict[str, str | None]
) -> None:
    issuer.described = said
    async with open_oidc_provider(issuer.url, client_id=CLIENT_ID, client_secret="") as provider:
        with pytest.raises(IdentityProviderUnavailable):
            await provider.endpoints()


async def test_a_provider_that_is_away_is_asked_again() -> None:
    async with aiohttp.ClientSession() as session:
        provider = OidcProvider(
            f"http://{LOOPBACK}:{free_port()}", session, client_id=CLIENT_ID, client_secret=""
        )
        for _ in range(2):
            with pytest.raises(IdentityProviderUnavailable):
                await provider.endpoints()
