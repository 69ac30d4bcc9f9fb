"""People sign in to the pages at an identity provider: authorisation code with PKCE."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from litestar import Litestar

from app.auth.session.setup import open_provider_sign_in
from infra import clock
from infra.settings.settings import settings_from
from tests.builders.settings import REQUIRED
from tests.fakes.callers import SECRET, World
from tests.fakes.pages import browser_of, pages_of
from tests.observe.form_browser import Browser
from tests.servers.sign_in_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    SignInProvider,
    running_sign_in_provider,
)


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[SignInProvider]:
    async with running_sign_in_provider() as running:
        yield running


@pytest.fixture
async def app(provider: SignInProvider) -> AsyncIterator[Litestar]:
    """Yield the pages of a client of the provider."""
    settings = settings_from(
        REQUIRED
        | {
            "JWT_SECRET": SECRET,
            "AUTH_ISSUER": provider.url,
            "AUTH_JWKS_URL": f"{provider.url}/keys",
            "AUTH_AUDIENCE": "the API",
            "AUTH_CLIENT_ID": CLIENT_ID,
            "AUTH_CLIENT_SECRET": CLIENT_SECRET,
        }
    )
    world = World()
    world.now = clock.now()
    async with open_provider_sign_in(settings) as sign_in:
        yield pages_of(world, sign_in)


@pytest.fixture
async def fresh(app: Litestar) -> AsyncIterator[Browser]:
    """Yield a browser that was never here."""
    async with browser_of(app) as somebody:
        yield somebody


async def back_from(fresh: Browser, way: str = "/sign-in/provider") -> str:
    """Go to the provider, and return the address to which it sends the browser back."""
    there = await fresh.open(way)
    assert there.status_code == 303, there.text
    async with httpx.AsyncClient(trust_env=False, timeout=40) as http:
        return str((await http.get(there.headers["Location"])).headers["Location"])


async def test_a_person_of_the_provider_is_signed_in(
    provider: SignInProvider, fresh: Browser
) -> None:
    assert "sign-in/provider?next=sessions" in (await fresh.open("/sign-in?next=sessions")).text
    back = await back_from(fresh, "/sign-in/provider?next=sessions")
    assert back.startswith(f"{fresh.origin}/sign-in/provider/callback?code=")

    answer = await fresh.open(back)
    # No redirect: from another site it would come without the new cookie.
    assert answer.status_code == 200
    assert 'http-equiv="refresh" content="0; url=../../sessions"' in answer.text
    kept = {name.rsplit("-", 1)[0] for name in fresh.cookies}
    assert kept == {"comfyd-session", "comfyd-visitor"}, "not that of the sign-in at the provider"
    shown = await fresh.open("/sessions")
    assert shown.status_code == 200
    assert "identity provider" in shown.text
    assert provider.asked_with[-1] == "basic"


async def test_the_browser_is_sent_with_a_challenge_and_keeps_the_rest(fresh: Browser) -> None:
    there = await fresh.open("/sign-in/provider")
    query = dict(parse_qsl(urlsplit(there.headers["Location"]).query))
    assert query.keys() == {
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
    }
    [cookie] = there.headers.get_list("Set-Cookie")
    assert query["state"] not in cookie
    assert {"HttpOnly", "SameSite=lax", "Max-Age=600"} <= {*cookie.split("; ")}


async def test_what_began_in_another_browser_is_refused(app: Litestar, fresh: Browser) -> None:
    back = await back_from(fresh)
    async with browser_of(app) as another:
        without = await another.open(back)
        await another.open("/sign-in/provider")
        with_its_own = await another.open(back)
        for answer in (without, with_its_own):
            assert "did not sign you in" in await another.reason(answer)
        assert not any("session" in name for name in another.cookies)
    assert (await fresh.open(back)).status_code == 200


async def test_a_code_is_good_once(fresh: Browser) -> None:
    back = await back_from(fresh)
    kept = dict(fresh.http.cookies)
    assert (await fresh.open(back)).status_code == 200
    fresh.http.cookies.update(kept)
    again = await fresh.open(back)
    assert again.headers["Location"] == "../../sign-in?problem=sign_in_refused"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"sub": None},
    ],
)
async def test_an_id_token_that_is_not_for_this_sign_in_is_refused(
    provider: SignInProvider, fresh: Browser, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    try:
        answer = await fresh.open(await back_from(fresh))
    finally:
        provider.claims = {}
    assert "did not sign you in" in await fresh.reason(answer)
    assert not any("session" in name for name in fresh.cookies)


async def test_a_person_who_declines_is_told_so(fresh: Browser) -> None:
    await fresh.open("/sign-in/provider")
    answer = await fresh.open("/sign-in/provider/callback?error=access_denied&state=x")
    assert "did not sign you in" in await fresh.reason(answer)
