"""Every page: without a session, without the scope, and with a form that is none of ours.

The routes come from the pages themselves, so that a new one is tested without a word here.
"""

import re
from uuid import uuid4

import pytest
from litestar.handlers.http_handlers import HTTPRouteHandler

from app.auth.scopes import OF_RUNS, OPT, PER_DEPLOYMENT, SCOPES
from app.auth.session.form_tokens import FIELD
from app.pages.home.routes import home
from app.pages.routes import GUARDED_PAGES
from infra import clock
from tests.builders.facts import OTHER_ID
from tests.fakes.callers import World, token
from tests.fakes.pages import browser_of, pages_of
from tests.observe.form_browser import Browser, fields

PAGES: list[HTTPRouteHandler] = [home, *GUARDED_PAGES]
CHANGES = [page for page in PAGES if "POST" in page.http_methods]


def name_of(page: HTTPRouteHandler) -> str:
    return f"{min(page.http_methods)} {min(page.paths)}"


@pytest.fixture
def world() -> World:
    world = World()
    world.now = clock.now()
    return world


async def sign_in(somebody: Browser, key: str) -> None:
    form = {**fields(await somebody.open("/sign-in")), "key": key}
    assert (await somebody.submit("/sign-in/key", form)).status_code == 303


async def refused(somebody: Browser, page: HTTPRouteHandler, **headers: str) -> tuple[int, str]:
    """Send what is to be refused; return the status and where it leads."""
    method, path = min(page.http_methods), re.sub(r"\{\w+:\w+\}", str(uuid4()), min(page.paths))
    own = {"Origin": somebody.origin} if method == "POST" else {}
    answer = await somebody.http.request(method, path, headers=own | headers)
    return answer.status_code, answer.headers.get("Location", "").split("?")[0].split("/")[-1]


def test_no_page_has_another_method() -> None:
    assert {str(method) for page in PAGES for method in page.http_methods} <= {"GET", "POST"}
    assert CHANGES


@pytest.mark.parametrize("page", PAGES, ids=name_of)
async def test_without_a_session_a_page_leads_to_the_sign_in(
    world: World, page: HTTPRouteHandler
) -> None:
    _, key = await world.key(scopes=tuple(SCOPES))
    async with browser_of(pages_of(world)) as somebody:
        for credential in ("", f"Bearer {token()}", f"Bearer {key}"):
            assert await refused(somebody, page, Authorization=credential) == (303, "sign-in")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
async def test_without_a_scope_or_for_other_deployments_a_page_is_refused(
    world: World, page: HTTPRouteHandler
) -> None:
    for scope in SCOPES - page.opt[OPT]:
        _, key = await world.key(scopes=(scope,))
        async with browser_of(pages_of(world)) as somebody:
            await sign_in(somebody, key)
            assert (await refused(somebody, page))[0] == 403
    if not page.opt[PER_DEPLOYMENT]:
        _, key = await world.key(scopes=tuple(OF_RUNS), deployments=(OTHER_ID,))
        async with browser_of(pages_of(world)) as somebody:
            await sign_in(somebody, key)
            # Such a key holds no scope but these.
            may = not OF_RUNS.isdisjoint(page.opt[OPT])
            assert (await refused(somebody, page))[0] == (404 if may else 403)


@pytest.mark.parametrize("page", CHANGES, ids=name_of)
async def test_a_change_needs_a_form_of_our_own(world: World, page: HTTPRouteHandler) -> None:
    _, key = await world.key(scopes=tuple(SCOPES))
    async with browser_of(pages_of(world)) as somebody:
        await sign_in(somebody, key)
        [secret] = [v for v in somebody.cookies.values() if v.startswith("cfs_")]
        good = world.pages.forms.token(secret)
        assert good == fields(await somebody.open("/sessions"))[FIELD]
        assert await refused(somebody, page) == (403, "")
        for origin in ("null", "http://127.0.0.1:8188", ""):
            headers = {"Origin": origin, "X-Form-Token": good}
            assert await refused(somebody, page, **headers) == (403, "")
        assert (await somebody.open("/sessions")).is_success
