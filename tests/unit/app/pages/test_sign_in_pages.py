"""Pages are opened by a session alone; a change needs a form of our own, from our own origin."""

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import httpx
import pytest

from app.auth.session.links import VALID, SignInLink
from tests.fakes.callers import World, token
from tests.fakes.pages import URL, browser_of, is_in, pages_of
from tests.observe.form_browser import Browser, fields

ELSEWHERE = [
    "http://127.0.0.1:8188",
    "http://localhost:3000",
    "https://evil.example",
    "null",
    "",
]
"""ComfyUI on another port of this host, another host, another site, a sandboxed frame, and none."""


@pytest.fixture
async def ada(world: World) -> AsyncIterator[Browser]:
    """Yield a browser in which Ada is signed in."""
    async with browser_of(pages_of(world)) as somebody:
        assert (await somebody.sign_in(link(world))).status_code == 303
        yield somebody


def link(world: World, user: str = "ada", *, url: str = URL) -> str:
    expires = world.now + VALID
    content = SignInLink(link_id=uuid4(), user_id=user, org_id=None, expires_at=expires)
    return world.links.address(url, content)


def types(world: World) -> list[str]:
    return [recorded.type for recorded in world.log.log if recorded.type.startswith("session.")]


# the link


async def test_a_link_shows_whom_it_signs_in_and_does_so_once(world: World, fresh: Browser) -> None:
    address = link(world)
    assert "sign in as ada." in (await fresh.open(address)).text
    assert types(world) == [], "programs open links before people do"
    answer = await fresh.sign_in(address)
    assert (answer.status_code, answer.headers["Location"]) == (303, "../")
    assert await is_in(fresh)

    async with browser_of(pages_of(world)) as another:
        assert "was used before" in await another.reason(await another.sign_in(address))
        assert not await is_in(another)
    assert types(world) == ["session.started.v1"]


async def test_a_button_that_is_pressed_twice_signs_in(world: World, fresh: Browser) -> None:
    form = fields(await fresh.open(link(world)))
    before = {**fresh.http.cookies}
    await fresh.submit("/sign-in/link", form)
    fresh.http.cookies.update(before)
    again = await fresh.submit("/sign-in/link", form)
    assert again.headers["Location"] == "../sign-in?problem=sign_in_link_used"
    onward = await fresh.open("/sign-in?problem=sign_in_link_used")
    assert (onward.status_code, onward.headers["Location"]) == (303, "./")


async def test_an_expired_link_signs_nobody_in(world: World, fresh: Browser) -> None:
    address = link(world)
    form = fields(await fresh.open(address))
    world.now += timedelta(minutes=10)
    shown = await fresh.open(address)
    assert shown.status_code == 401
    assert "has expired" in shown.text
    assert "has expired" in await fresh.reason(await fresh.submit("/sign-in/link", form))
    assert types(world) == []


@pytest.mark.parametrize("query", ["", "?token=", "?token=nonsense", "?token=%C3%A9"])
async def test_what_is_no_link_says_so(fresh: Browser, query: str) -> None:
    shown = await fresh.open(f"/sign-in/link{query}")
    assert shown.status_code == 401
    assert "not a valid key or link" in shown.text


# the ways in


async def test_a_problem_that_another_page_puts_into_the_address_is_not_shown(
    fresh: Browser,
) -> None:
    shown = await fresh.open("/sign-in?problem=You+have+won")
    assert (shown.status_code, "won" in shown.text.split("<main")[1]) == (200, False)


# the way back


async def test_a_browser_comes_back_to_the_page_that_it_wanted(
    world: World, fresh: Browser
) -> None:
    asked = await fresh.open("/sessions?x=1%262")
    way = "./sign-in?next=sessions%3Fx%3D1%25262"
    assert (asked.status_code, asked.headers["Location"]) == (303, way)
    _, key = await world.key()
    form = {**fields(await fresh.open(way[1:])), "key": key}
    answer = await fresh.submit("/sign-in/key", form)
    assert answer.headers["Location"] == "../sessions?x=1%262"


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example", "\\\\evil.example", "javascript:x", "a\r\nb", "é"],
)
async def test_a_sign_in_never_leads_to_another_host(
    world: World, fresh: Browser, wanted: str
) -> None:
    _, key = await world.key()
    form = {**fields(await fresh.open("/sign-in")), "key": key, "next": wanted}
    location = (await fresh.submit("/sign-in/key", form)).headers["Location"]
    to = urlsplit(urljoin(f"{URL}/sign-in/key", location))
    assert f"{to.scheme}://{to.netloc}" == URL
    assert "\n" not in location


@pytest.mark.parametrize(
    ("path", "header", "value"),
    [("overview", "HX-Request", "true"), ("changes", "Accept", "text/event-stream")],
)
async def test_a_part_of_a_page_is_refused_so_that_the_page_loads_itself_again(
    fresh: Browser, path: str, header: str, value: str
) -> None:
    answer = await fresh.open(f"/{path}", **{header: value})
    assert (answer.status_code, answer.content) == (401, b"")
    assert {"location", "hx-redirect"}.isdisjoint(answer.headers), (
        "a part is no page to come back to"
    )


async def test_a_link_of_another_site_is_asked_for_again_by_the_page(ada: Browser) -> None:
    cookies = {**ada.http.cookies}
    ada.http.cookies.clear()  # as `SameSite=Strict` does
    arrival = await ada.open("/sessions?x=1", **{"Sec-Fetch-Site": "cross-site"})
    assert arrival.status_code == 200
    assert 'http-equiv="refresh" content="0; url=sessions?x=1"' in arrival.text
    assert not (await ada.open("/sessions", **{"Sec-Fetch-Site": "same-origin"})).is_success
    ada.http.cookies.update(cookies)
    assert await is_in(ada)


# forms


@pytest.mark.parametrize("origin", ELSEWHERE)
async def test_a_form_of_another_page_changes_nothing(
    world: World, ada: Browser, origin: str
) -> None:
    form = fields(await ada.open("/sessions"))
    refused = await ada.submit("/sign-out", form, origin)
    assert refused.status_code == 403
    assert "foreign_origin" in refused.text
    assert types(world) == ["session.started.v1"]
    assert await is_in(ada)


@pytest.mark.parametrize("origin", ELSEWHERE)
async def test_another_page_signs_nobody_in(world: World, fresh: Browser, origin: str) -> None:
    address = link(world, "mallory")
    _, key = await world.key()
    form = {**fields(await fresh.open("/sign-in")), "key": key}
    by_link = await fresh.submit("/sign-in/link", fields(await fresh.open(address)), origin)
    by_key = await fresh.submit("/sign-in/key", form, origin)
    assert (by_link.status_code, by_key.status_code) == (403, 403)
    assert types(world) == []
    assert (await fresh.sign_in(address)).status_code == 303, "and the link is still good"


async def test_a_form_needs_the_token_of_its_session(world: World, ada: Browser) -> None:
    async with browser_of(pages_of(world)) as other:
        await other.sign_in(link(world))
        foreign = fields(await other.open("/sessions"))
        visit = fields(await other.open("/sign-in/link?token=x"))
    for form in ({}, {"form_token": ""}, {"form_token": "é"}, foreign, visit):
        refused = await ada.submit("/sign-out", form)
        assert refused.status_code == 403
        assert "form_refused" in refused.text
    assert await is_in(ada)


async def test_a_script_sends_the_token_in_a_header(ada: Browser) -> None:
    form_token = fields(await ada.open("/sessions"))["form_token"]
    headers = {"Origin": ada.origin, "X-Form-Token": form_token}
    assert (await ada.http.post("/sign-out", headers=headers)).status_code == 303
    assert not await is_in(ada)


async def test_a_form_to_sign_in_is_bound_to_its_browser(world: World, fresh: Browser) -> None:
    _, key = await world.key()
    form = {**fields(await fresh.open("/sign-in")), "key": key}
    async with browser_of(pages_of(world)) as another:
        assert (await another.submit("/sign-in/key", form)).status_code == 403
        await another.open("/sign-in")
        assert (await another.submit("/sign-in/key", form)).status_code == 403
    assert (await fresh.submit("/sign-in/key", form)).status_code == 303


# the cookie


async def test_the_cookie_is_for_pages_of_this_port_alone(world: World, fresh: Browser) -> None:
    answer = await fresh.sign_in(link(world))
    [cookie] = [c for c in answer.headers.get_list("Set-Cookie") if "-session-" in c]
    name, _, attributes = cookie.partition(";")
    assert name.startswith("comfyd-session-3000=cfs_")
    assert {a.strip().lower() for a in attributes.split(";")} == {
        "httponly",
        "path=/",
        "samesite=strict",
        f"max-age={30 * 86_400}",
    }


async def test_by_https_the_cookie_is_secure(world: World) -> None:
    url = "https://comfyd.example"
    async with browser_of(pages_of(world), url) as somebody:
        answer = await somebody.sign_in(link(world, url=url))
        cookies = answer.headers.get_list("Set-Cookie")
        assert await is_in(somebody)
    assert all(c.startswith("__Host-comfyd-") and "Secure" in c.split("; ") for c in cookies)


async def test_two_servers_on_one_host_do_not_sign_each_others_people_out(world: World) -> None:
    async with browser_of(pages_of(world)) as first:
        await first.sign_in(link(world))
        async with browser_of(pages_of(World()), "http://127.0.0.1:3001") as second:
            second.http.cookies.update(first.http.cookies)
            assert not await is_in(second)
            # What it sets has another name.
            assert (await second.open("/sign-in")).status_code == 200
            names = {name for name in second.cookies if "visitor" in name}
            assert names == {"comfyd-visitor-3000", "comfyd-visitor-3001"}
        assert await is_in(first)


async def test_a_token_or_a_key_opens_no_page(world: World, fresh: Browser) -> None:
    _, key = await world.key()
    for credential in (token(), key):
        answer = await fresh.open("/sessions", Authorization=f"Bearer {credential}")
        assert (answer.status_code, answer.headers["Location"]) == (303, "./sign-in?next=sessions")


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/link?token=x", "/sessions"])
async def test_pages_name_themselves_to_our_own_pages_only(ada: Browser, path: str) -> None:
    answer = await ada.http.get(path, follow_redirects=True)
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


# the end


async def test_signing_out_ends_the_session_for_good(world: World, ada: Browser) -> None:
    before = {**ada.http.cookies}
    answer = await ada.submit("/sign-out", fields(await ada.open("/sessions")))
    assert (answer.status_code, answer.headers["Location"]) == (303, "./sign-in")
    assert not any(value.startswith("cfs_") for value in ada.cookies.values())
    ada.http.cookies.update(before)
    assert not await is_in(ada)
    assert types(world) == ["session.started.v1", "session.revoked.v1"]


async def test_a_session_that_has_expired_leads_to_the_sign_in(world: World, ada: Browser) -> None:
    world.now += timedelta(days=30)
    assert not await is_in(ada)
    # A form of before leads there, too, instead of into a page that says no.
    assert (await ada.submit("/sign-out", {})).headers["Location"] == "./sign-in"


async def test_people_see_and_end_their_own_sessions(world: World, ada: Browser) -> None:
    async with browser_of(pages_of(world)) as second, browser_of(pages_of(world)) as eve:
        await second.sign_in(link(world))
        await eve.sign_in(link(world, "eve"))
        page = await ada.open("/sessions")
        [path] = [p[1:] for p in page.text.split('"') if p.endswith("/revoke")]
        refused = await eve.submit(path, fields(await eve.open("/sessions")))
        assert refused.status_code == 404
        ended = await ada.submit(path, fields(page))
        assert (ended.status_code, ended.headers["Location"]) == (303, "../../sessions")
        assert [await is_in(who) for who in (ada, second, eve)] == [True, False, True]
        assert "/revoke" not in (await ada.open("/sessions")).text


@pytest.mark.parametrize("session_id", ["nonsense", str(uuid4())])
async def test_a_session_that_is_not_there_is_not_found(ada: Browser, session_id: str) -> None:
    form = fields(await ada.open("/sessions"))
    refused = await ada.submit(f"/sessions/{session_id}/revoke", form)
    assert refused.status_code == 404


async def test_every_page_is_in_the_language_of_its_reader(world: World, fresh: Browser) -> None:
    chinese = {"Accept-Language": "zh-CN"}
    assert "登录" in (await fresh.open("/sign-in", **chinese)).text
    assert "此链接只能使用一次" in (await fresh.open(link(world), **chinese)).text
    assert "密钥或链接无效" in (await fresh.open("/sign-in/link", **chinese)).text


def test_the_browser_of_these_tests_is_no_special_one() -> None:
    page = httpx.Response(200, text='<input type="hidden" name="a" value="&lt;1">')
    assert fields(page) == {"a": "<1"}
