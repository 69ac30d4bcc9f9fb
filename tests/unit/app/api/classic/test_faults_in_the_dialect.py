"""A fault of the server's has the shape of the dialect, and a page of another site may read it."""

from typing import Any

import httpx
import pytest

from app.main import build_app
from infra.settings.settings import settings_from
from tests.builders.settings import REQUIRED
from tests.e2e.authorisation.routes import Route, all_routes

APP: Any = build_app(settings_from(REQUIRED))
"""It is not started: every route fails for want of the objects that it needs."""

SENT = {"Origin": "null", "Authorization": "Bearer x", "Content-Type": "application/json"}
ROUTES = [route for route in all_routes() if route.is_classic]
NEVER = {"POST /api/machine-built", "GET /api/doc"}
"""What needs nothing that a server without its objects lacks."""


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.name not in NEVER], ids=lambda route: route.name
)
async def test_a_fault_may_be_read_by_pages_of_other_sites(route: Route) -> None:
    transport = httpx.ASGITransport(app=APP, raise_app_exceptions=False)
    url = route.path.replace("{version:int}", "1").replace(":str}", "}")

    async with httpx.AsyncClient(transport=transport, base_url="http://comfyd") as http:
        answer = await http.request(route.method, url, headers=SENT, content=b"{}")

    assert (answer.status_code, answer.json()) == (500, {"error": "Internal server error."})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
