"""Tokens of an identity provider, whose keys are fetched, kept and changed."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.auth.caller import Unauthorized, tenant_of
from app.auth.oidc import TRUSTED, OidcTokens
from infra.net.jwks import KEPT, PAUSE, IdentityProviderUnavailable, Jwks
from tests.fakes.clocks import StoppedClock
from tests.servers.identity_provider import (
    AUDIENCE,
    ISSUER,
    IdentityProvider,
    SigningKey,
    running_identity_provider,
)


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey("first")


@pytest.fixture
async def provider(key: SigningKey) -> AsyncIterator[IdentityProvider]:
    async with running_identity_provider() as running:
        running.publish(key)
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def tokens(
    provider: IdentityProvider, session: aiohttp.ClientSession, clock: StoppedClock
) -> OidcTokens:
    return OidcTokens(Jwks(provider.url, session, clock=clock), issuer=ISSUER, audience=AUDIENCE)


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", [10**400, -1, float("nan"), float("inf"), "99999999999", [], {}])
async def test_a_time_that_is_none_makes_a_token_none(
    key: SigningKey, tokens: OidcTokens, claim: str, value: object
) -> None:
    now = int(time.time())
    claims = {"sub": "ada", "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 60}
    payload = json.dumps(claims | {claim: value}).encode()
    headers = {"kid": key.kid}
    token = jwt.PyJWS().encode(payload, key.private, algorithm=key.algorithm, headers=headers)
    with pytest.raises(Unauthorized):
        await tokens.verify(token)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_token_of_the_issuer_names_its_caller(
    provider: IdentityProvider, tokens: OidcTokens, algorithm: str
) -> None:
    key = SigningKey("any", algorithm)
    provider.publish(key)
    claims = await tokens.verify(key.sign())
    assert tenant_of(claims.user_id, claims.org_id) == "user:ada"
    assert time.time() < claims.until < time.time() + 66


@pytest.mark.parametrize(
    ("claims", "org", "role"),
    [
        ({"org_id": "acme", "org_role": "org:admin"}, "acme", "owner"),
        ({"o": {"id": "acme", "rol": "member"}}, "acme", "member"),
        ({"org_id": "acme"}, "acme", "viewer"),
        ({}, None, "viewer"),
    ],
)
async def test_clerks_claims_are_understood(
    key: SigningKey, tokens: OidcTokens, claims: dict[str, Any], org: str | None, role: str
) -> None:
    found = await tokens.verify(key.sign(**claims))
    assert (found.user_id, found.org_id, found.role) == ("ada", org, role)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "https://evil.example.com"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": "a\x00"},
    ],
)
async def test_what_is_not_for_us_or_not_now_is_refused(
    key: SigningKey, tokens: OidcTokens, claims: dict[str, Any]
) -> None:
    with pytest.raises(Unauthorized):
        await tokens.verify(key.sign(**claims))


async def test_without_an_audience_it_may_be_for_anybody(
    key: SigningKey, provider: IdentityProvider, session: aiohttp.ClientSession
) -> None:
    anybody = OidcTokens(Jwks(provider.url, session), issuer=ISSUER, audience="")
    assert (await anybody.verify(key.sign(aud=None))).user_id == "ada"
    assert (await anybody.verify(key.sign(aud="another"))).user_id == "ada"


def forged_with_the_public_key(key: SigningKey) -> str:
    """Sign with HS256, the published key being the secret: who confuses the two would take it."""
    public = key.private.public_key()
    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body, _ = key.sign().split(".")
    head = encoded(json.dumps({"alg": "HS256", "kid": key.kid}).encode())
    signature = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{encoded(signature)}"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def test_a_token_does_not_choose_how_it_is_checked(
    key: SigningKey, provider: IdentityProvider, tokens: OidcTokens
) -> None:
    body = key.sign().split(".")[1]
    unsigned = encoded(json.dumps({"alg": "none", "kid": key.kid}).encode()) + f".{body}."
    other = SigningKey(key.kid, "ES256")
    wrong_hash = jwt.encode(
        {"sub": "ada"}, key.private, algorithm="RS512", headers={"kid": key.kid}
    )
    for token in (forged_with_the_public_key(key), unsigned, other.sign(), wrong_hash, "nonsense"):
        with pytest.raises(Unauthorized):
            await tokens.verify(token)
    assert provider.asked == 1


async def test_keys_that_prove_nothing_are_left_out(
    provider: IdentityProvider, tokens: OidcTokens
) -> None:
    good, weak = SigningKey("good"), SigningKey("weak", bits=1024)
    sealing = SigningKey("sealing")
    secret = base64.urlsafe_b64encode(b"s" * 32).decode()
    provider.keys = [
        {"kty": "oct", "kid": "secret", "k": secret, "alg": "HS256"},
        {"kty": "??", "kid": "strange"},
        {"kid": "empty"},
        {**good.jwk, "kid": "absurd", "alg": ["RS256"]},
        weak.jwk,
        {**sealing.jwk, "use": "enc"},
        good.jwk,
    ]
    published = jwt.encode({"sub": "x"}, "s" * 32, algorithm="HS256", headers={"kid": "secret"})

    assert (await tokens.verify(good.sign())).user_id == "ada"
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        feeble = weak.sign()
    for token in (published, feeble, sealing.sign()):
        with pytest.raises(Unauthorized):
            await tokens.verify(token)


async def test_a_new_key_is_fetched_when_a_token_names_it(
    key: SigningKey, provider: IdentityProvider, tokens: OidcTokens, clock: StoppedClock
) -> None:
    await tokens.verify(key.sign())
    new = SigningKey("second")
    provider.publish(new)
    clock.advance(PAUSE)

    assert (await tokens.verify(new.sign())).user_id == "ada"
    with pytest.raises(Unauthorized):
        await tokens.verify(key.sign())


async def test_a_key_that_was_withdrawn_counts_no_longer_than_keys_are_kept(
    key: SigningKey, provider: IdentityProvider, tokens: OidcTokens, clock: StoppedClock
) -> None:
    """A token's own check is not remembered for longer either: see Claims.until."""
    token = key.sign(exp=int(time.time()) + 10**6)
    until = (await tokens.verify(token)).until
    provider.publish(SigningKey("second"))
    clock.advance(KEPT)

    with pytest.raises(Unauthorized):
        await tokens.verify(token)
    assert until <= time.time() + TRUSTED


async def test_unknown_keys_do_not_make_us_ask_again_and_again(
    key: SigningKey, provider: IdentityProvider, tokens: OidcTokens
) -> None:
    await tokens.verify(key.sign())
    for number in range(20):
        with pytest.raises(Unauthorized):
            await tokens.verify(SigningKey(f"made up {number}", "EdDSA").sign())
    assert provider.asked == 1


async def test_all_who_come_at_once_share_one_fetch(
    key: SigningKey, provider: IdentityProvider, tokens: OidcTokens
) -> None:
    await asyncio.gather(*(tokens.verify(key.sign(jti=str(n))) for n in range(20)))
    assert provider.asked == 1


async def test_known_keys_outlive_an_outage_of_the_issuer(
    key: SigningKey, provider: IdentityProvider, tokens: OidcTokens, clock: StoppedClock
) -> None:
    await tokens.verify(key.sign())
    provider.status = 500
    clock.advance(PAUSE)
    with pytest.raises(IdentityProviderUnavailable):
        await tokens.verify(SigningKey("unknown", "EdDSA").sign())
    assert (await tokens.verify(key.sign())).user_id == "ada"


async def test_an_issuer_that_was_never_reached_is_asked_again(
    key: SigningKey, provider: IdentityProvider, tokens: OidcTokens, clock: StoppedClock
) -> None:
    provider.status = 503
    for _ in range(5):
        with pytest.raises(IdentityProviderUnavailable):
            await tokens.verify(key.sign())
    assert provider.asked == 1
    provider.status = 200
    clock.advance(PAUSE)
    assert (await tokens.verify(key.sign())).user_id == "ada"


@pytest.mark.parametrize("status", [301, 404])
async def test_only_a_good_answer_counts(
    key: SigningKey, provider: IdentityProvider, tokens: OidcTokens, status: int
) -> None:
    provider.status = status
    with pytest.raises(IdentityProviderUnavailable):
        await tokens.verify(key.sign())


async def test_a_token_without_a_key_name_is_checked_with_the_only_key(
    key: SigningKey, provider: IdentityProvider, tokens: OidcTokens, clock: StoppedClock
) -> None:
    now = int(time.time())
    claims = {"sub": "ada", "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 60}
    token = jwt.encode(claims, key.private, algorithm="RS256")
    provider.publish(key, SigningKey("second", "ES256"))
    with pytest.raises(Unauthorized):
        await tokens.verify(token)
    provider.publish(key)
    clock.advance(PAUSE)
    assert (await tokens.verify(token)).user_id == "ada"
