"""People sign in with a browser: by a link that works once, or by an API key."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from app.auth.session.links import SignInLink, SignInLinks
from tests.e2e.authorisation.callers import organisation_of
from tests.e2e.command_line import Comfyd
from tests.e2e.signing_in import browser, link_for, signed_in, token_in
from tests.e2e.system import SECRET, System, eventually
from tests.e2e.tenant import Tenant, client_of
from tests.observe.form_browser import Browser, fields

ELSEWHERE = ["http://127.0.0.1:8188", "https://evil.example", "null", ""]
"""ComfyUI on another port of this host, another site, a sandboxed frame, and none."""

PUBLIC_URL = "https://comfyd.example/below"


@pytest.fixture
async def fresh(system: System) -> AsyncIterator[Browser]:
    async with browser(system.url) as somebody:
        yield somebody


@pytest.fixture
async def grace(system: System) -> AsyncIterator[Browser]:
    """Yield a browser in which Grace is signed in."""
    async with signed_in(system, "grace") as somebody:
        yield somebody


async def is_in(somebody: Browser) -> bool:
    """Return whether a browser has a session that counts."""
    answer = await somebody.open("/sessions")
    assert answer.status_code in {200, 303}, answer.text
    return answer.status_code == 200


# the link


async def test_a_link_signs_one_browser_in_once(system: System, fresh: Browser) -> None:
    link = link_for(system, "grace")
    answer = await fresh.sign_in(link)
    assert (answer.status_code, answer.headers["Location"]) == (303, "../")
    assert await is_in(fresh)

    async with browser(system.url) as another:
        assert "was used before" in await another.reason(await another.sign_in(link))
        assert not await is_in(another)


async def test_a_link_that_is_sent_twice_at_once_starts_one_session(
    system: System, fresh: Browser
) -> None:
    form = fields(await fresh.open(link_for(system, "grace")))
    answers = await asyncio.gather(*(fresh.submit("/sign-in/link", form) for _ in range(4)))
    led = sorted(answer.headers["Location"] for answer in answers)
    assert led == ["../", *["../sign-in?problem=sign_in_link_used"] * 3]
    assert await is_in(fresh)


async def test_a_link_that_programs_open_first_is_still_good(
    system: System, fresh: Browser
) -> None:
    link = link_for(system, "grace")
    async with httpx.AsyncClient(trust_env=False, timeout=40) as program:
        for method in ("HEAD", "GET", "GET"):
            assert (await program.request(method, link)).status_code in {200, 405}
    assert (await fresh.sign_in(link)).status_code == 303


async def test_an_expired_link_signs_nobody_in(system: System, fresh: Browser) -> None:
    over = datetime.now(UTC) - timedelta(seconds=1)
    link = SignInLink(link_id=uuid4(), user_id="grace", org_id=None, expires_at=over)
    token = token_in(SignInLinks(SECRET).address(system.url, link))
    shown = await fresh.open("/sign-in/link?token=" + token)
    assert shown.status_code == 401
    assert "has expired" in shown.text

    used = await fresh.submit("/sign-in/link", {**fields(shown), "token": token})
    assert "has expired" in await fresh.reason(used)
    assert not await is_in(fresh)


async def test_the_command_line_prints_a_link_that_works(
    system: System, comfyd: Comfyd, fresh: Browser
) -> None:
    settings = {"JWT_SECRET": SECRET, "COMFYD_PORT": system.url.rpartition(":")[2]}
    printed = comfyd("sign-in", "--user", "grace", **settings).out
    assert (await fresh.sign_in(printed.strip())).status_code == 303

    elsewhere = comfyd("sign-in", **settings, COMFYD_PUBLIC_URL=PUBLIC_URL).out
    assert elsewhere.startswith(f"{PUBLIC_URL}/sign-in/link?token=")


# forms


@pytest.mark.parametrize("origin", ELSEWHERE)
async def test_a_form_of_another_page_changes_nothing(grace: Browser, origin: str) -> None:
    form = fields(await grace.open("/sessions"))
    refused = await grace.submit("/sign-out", form, origin)
    assert refused.status_code == 403
    assert "foreign_origin" in refused.text
    assert await is_in(grace)


async def test_behind_a_proxy_the_public_origin_is_ours(system: System) -> None:
    url = system.start_another_api("api-public", COMFYD_PUBLIC_URL=PUBLIC_URL)
    await system.until_ready(url)
    async with browser(url) as somebody:
        page = fields(await somebody.open(link_for(system, "grace", url=url)))
        for wrong in ("https://comfyd.example:8443", "https://below.comfyd.example"):
            assert (await somebody.submit("/sign-in/link", page, wrong)).status_code == 403
        answer = await somebody.submit("/sign-in/link", page, "https://comfyd.example")
        assert answer.status_code == 303
        assert await is_in(somebody)
    system.end("api-public")


# the cookie


async def test_by_https_the_cookie_is_secure(system: System, impatient: str) -> None:
    async with browser(impatient) as somebody:
        somebody.http.headers["X-Forwarded-Proto"] = "https"
        page = await somebody.open(link_for(system, "grace", url=impatient))
        [cookie] = page.headers.get_list("Set-Cookie")
    assert cookie.startswith("__Host-comfyd-visitor-")
    assert "Secure" in cookie.split("; ")


@pytest.mark.parametrize("path", ["/v1/me", "/v1/sessions", "/api/run?run_id=x"])
async def test_the_cookie_opens_no_route_of_the_api(grace: Browser, path: str) -> None:
    answer = await grace.open(path, Origin="http://127.0.0.1:8188")
    assert answer.status_code == 401
    # Any origin may read it, but no page with the cookies of another: for that, browsers ask for
    # this header, whether the origin is named or `*`.
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_the_secret_of_a_session_is_no_bearer_token(grace: Browser) -> None:
    [secret] = [value for value in grace.cookies.values() if value.startswith("cfs_")]
    async with httpx.AsyncClient(base_url=grace.origin, trust_env=False, timeout=40) as http:
        bearer = await http.get("/v1/me", headers={"Authorization": f"Bearer {secret}"})
        address = await http.get(f"/v1/me?x={secret}")
    assert bearer.status_code == 401
    assert address.json()["code"] == "credential_in_address"


async def test_pages_name_themselves_to_our_own_pages_only(grace: Browser) -> None:
    for path in ("/sessions", "/sign-in/link?token=x"):
        policies = (await grace.open(path)).headers.get_list("Referrer-Policy")
        assert policies[-1] == "same-origin", "browsers take the last one"


# keys


async def test_a_key_signs_in_and_takes_the_session_with_it(ada: Tenant, fresh: Browser) -> None:
    made = (await ada.http.post("/v1/keys", json={"name": "k", "scopes": ["runs:read"]})).json()
    form = {**fields(await fresh.open("/sign-in")), "key": f" {made['key']}\n"}
    assert (await fresh.submit("/sign-in/key", form)).status_code == 303
    assert await is_in(fresh)

    await ada.http.delete(f"/v1/keys/{made['id']}")
    assert not await is_in(fresh)
    form = {**fields(await fresh.open("/sign-in")), "key": made["key"]}
    assert "was revoked" in await fresh.reason(await fresh.submit("/sign-in/key", form))


# the end


async def test_a_session_that_is_ended_counts_on_no_process_within_a_second(
    system: System, impatient: str
) -> None:
    port, other_port = (url.rpartition(":")[2] for url in (system.url, impatient))
    async with signed_in(system, "grace") as here, browser(impatient) as there:
        [secret] = [value for value in here.cookies.values() if value.startswith("cfs_")]
        there.http.cookies.set(f"comfyd-session-{other_port}", secret, domain="127.0.0.1")
        assert port != other_port
        assert await is_in(there)
        await here.submit("/sign-out", fields(await here.open("/sessions")))
        ended = time.monotonic()

        async def out() -> bool:
            return not await is_in(there)

        await eventually(out)
        assert time.monotonic() - ended < 10, "a second, and what a busy machine adds"


async def test_an_admin_lists_the_sessions_of_the_tenant_and_ends_them(system: System) -> None:
    async with organisation_of(system, "the chair") as chair:
        org = chair.http.headers["Comfyd-Organisation"]
        path = f"/v1/organisations/{org}/members/judy"
        (await chair.http.put(path, json={"role": "viewer"})).raise_for_status()
        async with signed_in(system, "judy", org=org) as judy, client_of(system, "judy") as api:
            [listed] = (await chair.http.get("/v1/sessions")).json()["data"]
            assert (listed["method"], listed["user_id"], listed["org_id"]) == ("link", "judy", org)
            assert listed["revoked_at"] is None
            api.headers["Comfyd-Organisation"] = org
            assert (await api.get("/v1/sessions")).status_code == 403
            ended = await chair.http.delete(f"/v1/sessions/{listed['id']}")
            assert ended.status_code == 204
            assert not await is_in(judy)
            [listed] = (await chair.http.get("/v1/sessions")).json()["data"]
            assert listed["revoked_at"] is not None


async def _key(tenant: Tenant) -> str:
    made = await tenant.http.post("/v1/keys", json={"name": "k", "scopes": ["runs:read"]})
    return str(made.json()["key"])
