"""People sign in to the pages at an identity provider: authorisation code with PKCE."""

from collections.abc import AsyncIterator

import httpx
import pytest

from infra.embedded.ports import LOOPBACK
from tests.e2e.signing_in import browser
from tests.e2e.system import System
from tests.network.ports import free_port
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


@pytest.fixture(scope="module")
async def url(system: System, provider: SignInProvider) -> AsyncIterator[str]:
    """Start an API that is a client of the provider; give its URL."""
    url = system.start_another_api("api of a client", **settings(provider.url))
    await system.until_ready(url)
    yield url
    system.end("api of a client")


@pytest.fixture
async def fresh(url: str) -> AsyncIterator[Browser]:
    async with browser(url) as somebody:
        yield somebody


def settings(issuer: str) -> dict[str, str]:
    return {
        "AUTH_ISSUER": issuer,
        "AUTH_JWKS_URL": f"{issuer}/keys",
        "AUTH_AUDIENCE": "the API",
        "AUTH_CLIENT_ID": CLIENT_ID,
        "AUTH_CLIENT_SECRET": CLIENT_SECRET,
    }


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


async def test_a_provider_that_is_away_keeps_no_one_else_out(system: System) -> None:
    issuer = f"http://{LOOPBACK}:{free_port()}"
    url = system.start_another_api("api without its provider", **settings(issuer))
    await system.until_ready(url)
    async with browser(url) as somebody:
        away = await somebody.open("/sign-in/provider")
        assert away.status_code == 503
        assert "identity_provider_unavailable" in away.text
        assert (await somebody.open("/sign-in")).status_code == 200
    system.end("api without its provider")


async def test_without_a_client_there_is_no_such_way(system: System) -> None:
    async with browser(system.url) as somebody:
        assert "sign-in/provider" not in (await somebody.open("/sign-in")).text
        for path in ("/sign-in/provider", "/sign-in/provider/callback?code=x&state=y"):
            assert (await somebody.open(path)).status_code == 404
