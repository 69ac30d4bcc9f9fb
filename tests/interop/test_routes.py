"""The table of routes in docs/compatibility.md is what the app has, and what it answers."""

import re
import warnings
from collections.abc import Iterator

import httpx
import pytest
from litestar.exceptions import LitestarDeprecationWarning
from litestar.routes import HTTPRoute

from app.main import build_app
from infra.settings.settings import settings_from
from tests.builders.settings import REQUIRED
from tests.e2e.graphs import MISSING
from tests.e2e.system import System
from tests.interop.what_ran import PAGES

YES, REFUSED, NO = "yes", "no (501)", "no;"
"""Refused is what the app knows and does not do; what is not there at all is no route."""

ROUTE = re.compile(r"`(GET|POST|PATCH) (/[^`]*)`")
OPEN = {
    # Callbacks are always answered so.
    "POST /api/update-run": 200,
    "POST /api/machine-built": 200,
    "GET /api/doc": 200,
    # A page of ComfyUI asks for a key that there is not yet.
    "GET /api/auth-response/{request_id}": 201,
    "GET /api/platform/comfyui/auth-response": 404,
    # A browser that is not signed in yet is led on to that.
    "GET /auth-request/{request_id}": 303,
    "GET /auth/request/{request_id}": 303,
}
"""What is answered without a credential, where it is not 401; pages come with that, too."""


def rows(answer: str) -> Iterator[str]:
    """Yield the routes of the table with this answer."""
    text = PAGES[0].path.read_text("utf-8").partition("## Routes")[2]
    for line in text.splitlines():
        cells = line.strip("|").split(" | ")
        if len(cells) == 3 and cells[2].strip().strip("[").startswith(answer):
            yield from (f"{method} {path}" for method, path in ROUTE.findall(cells[0]))


def routes() -> set[str]:
    """Return all routes of the app, as the table writes them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LitestarDeprecationWarning)
        app = build_app(settings_from(REQUIRED))
    return {
        f"{method} {route.path_format}"
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}
    }


def test_the_table_names_every_classic_route_and_none_that_is_not_there() -> None:
    there, named = routes(), {*rows(YES), *rows(REFUSED)}
    assert {route for route in there if " /api/" in route} - named == set()
    assert named - there == set()
    assert set(rows(NO)) & there == set()
    assert len(named) > 25


def test_both_languages_have_the_same_table() -> None:
    tables = [
        [ROUTE.findall(line) for line in page.path.read_text("utf-8").splitlines()]
        for page in PAGES
    ]
    english, chinese = ([found for found in table if found] for table in tables)
    assert chinese == english


@pytest.mark.parametrize("answer", [YES, REFUSED, NO])
async def test_each_route_answers_as_the_table_says(system: System, answer: str) -> None:
    expected = {route: 404 if answer == NO else OPEN.get(route, 401) for route in rows(answer)}
    assert expected
    async with httpx.AsyncClient(base_url=system.url) as http:
        found = {route: (await ask(http, route)).status_code for route in expected}
    assert found == expected


async def ask(http: httpx.AsyncClient, route: str) -> httpx.Response:
    method, path = route.split(" ")
    path = path.replace("{version}", "1")
    query = {"file": "outputs/runs/x/y.png"} if path == "/api/view" else {"request_id": "abcdefgh"}
    body: dict[str, str] | None = None if method == "GET" else {}
    return await http.request(method, re.sub(r"\{\w+\}", MISSING, path), params=query, json=body)
