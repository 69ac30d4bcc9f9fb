"""People sign in with an identity provider; tokens of our own stay good beside theirs."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from infra.embedded.ports import LOOPBACK
from infra.settings.settings import ANY_AUDIENCE
from tests.e2e.system import System
from tests.network.ports import free_port
from tests.servers.identity_provider import (
    AUDIENCE,
    ISSUER,
    IdentityProvider,
    SigningKey,
    running_identity_provider,
)

KEY = SigningKey("first")


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[IdentityProvider]:
    async with running_identity_provider() as running:
        running.publish(KEY)
        yield running


@pytest.fixture(scope="module")
async def api(system: System, provider: IdentityProvider) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of an API that knows the provider."""
    url = system.start_another_api(
        "api with sign-in",
        AUTH_JWKS_URL=provider.url,
        AUTH_ISSUER=ISSUER,
        AUTH_AUDIENCE=AUDIENCE,
    )
    await system.until_ready(url)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=40) as http:
        yield http
    system.end("api with sign-in")


async def me(api: httpx.AsyncClient, token: str, **headers: str) -> httpx.Response:
    return await api.get("/v1/me", headers={"Authorization": f"Bearer {token}", **headers})


async def test_people_act_for_themselves_or_for_their_organisation(
    api: httpx.AsyncClient,
) -> None:
    alone = (await me(api, KEY.sign())).json()
    clerk = (await me(api, KEY.sign(o={"id": "org_2x", "rol": "member"}))).json()
    unsaid = (await me(api, KEY.sign(org_id="org_2x"))).json()

    assert (alone["tenant"], alone["role"]) == ("user:ada", "owner")
    assert (clerk["tenant"], clerk["role"]) == ("org:org_2x", "member")
    assert (unsaid["role"], unsaid["scopes"]) == ("viewer", ["runs:read"])


async def test_our_own_tokens_are_good_beside_them(system: System, api: httpx.AsyncClient) -> None:
    assert (await me(api, system.token("ada"))).json()["tenant"] == "user:ada"


async def test_without_a_provider_such_a_token_opens_nothing(system: System) -> None:
    async with httpx.AsyncClient(base_url=system.url, trust_env=False, timeout=40) as http:
        assert (await me(http, KEY.sign())).status_code == 401


async def test_a_token_for_somebody_else_opens_nothing(api: httpx.AsyncClient) -> None:
    answers = [await me(api, KEY.sign(aud="another")), await me(api, KEY.sign(exp=1))]
    assert {answer.status_code for answer in answers} == {401}


async def test_such_a_token_can_be_revoked(api: httpx.AsyncClient) -> None:
    token = KEY.sign(jti="of the provider")
    headers = {"Authorization": f"Bearer {token}"}
    await api.post("/v1/tokens/revoke", json={"token": token}, headers=headers)
    assert (await me(api, token)).json()["code"] == "token_revoked"


async def test_an_organisation_kept_here_decides_for_them_too(api: httpx.AsyncClient) -> None:
    owner = {"Authorization": f"Bearer {KEY.sign()}"}
    created = await api.post("/v1/organisations", json={"name": "kept here"}, headers=owner)
    acting = {"Comfyd-Organisation": created.json()["id"]}

    assert (await me(api, KEY.sign(), **acting)).json()["role"] == "owner"
    assert (await me(api, KEY.sign(sub="eve"), **acting)).status_code == 404


async def test_an_issuer_that_is_away_keeps_nobody_else_out(system: System) -> None:
    url = system.start_another_api(
        "api without its issuer",
        AUTH_JWKS_URL=f"http://{LOOPBACK}:{free_port()}/keys",
        AUTH_ISSUER=ISSUER,
        AUTH_AUDIENCE=ANY_AUDIENCE,
    )
    await system.until_ready(url)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=40) as http:
        theirs, ours = await asyncio.gather(me(http, KEY.sign()), me(http, system.token("ada")))
    system.end("api without its issuer")

    assert (theirs.status_code, ours.status_code) == (503, 200)
    assert theirs.json()["code"] == "identity_provider_unavailable"
    assert "Retry-After" in theirs.headers
