"""The description of the API, as it is served: to programs, and to people without the internet."""

import re
from urllib.parse import urljoin

import httpx

from app.http.docs_page import swagger_files
from tests.e2e.system import System
from tests.observe.described import described

ADDRESS = re.compile(r"""(?:src|href)="([^"]+)"|url: "([^"]+)\"""")


def anybody(system: System) -> httpx.AsyncClient:
    """Return a client without a token."""
    return httpx.AsyncClient(base_url=system.url, trust_env=False, timeout=40)


async def test_the_description_is_served_to_everybody(system: System) -> None:
    async with anybody(system) as http:
        answer = await http.get("/openapi.json")
        below = await http.get("/openapi.json/openapi.json")

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json() == described()
    assert answer.json()["openapi"].startswith("3.1.")
    assert below.status_code == 404


async def test_the_page_has_the_cursor_where_a_token_belongs(system: System) -> None:
    async with anybody(system) as http:
        document = (await http.get("/openapi.json")).json()
    # Swagger UI shows them in this order, and puts the cursor into the last one.
    assert list(document["components"]["securitySchemes"]) == ["ticket", "bearer"]


async def test_the_page_and_all_it_needs_come_from_here(system: System) -> None:
    async with anybody(system) as http:
        page = await http.get("/docs")
        start = await http.get("/docs/start.js")
        named = ADDRESS.findall(page.text) + ADDRESS.findall(start.text)
        addresses = [urljoin(f"{system.url}/docs", one or other) for one, other in named]
        answers = [await http.get(address) for address in addresses]

    assert page.headers["Content-Type"].startswith("text/html")
    assert {urljoin(address, "/") for address in addresses} == {f"{system.url}/"}
    assert "//" not in page.text.replace("<!doctype", "")
    assert [answer.status_code for answer in answers] == [200] * len(addresses)
    kinds = {answer.headers["Content-Type"].partition(";")[0] for answer in answers}
    assert kinds == {"application/json", "image/png", "text/css", "text/javascript"}
    assert not re.search(r"<script>|<style|\son\w+=", page.text), "inline code needs a weaker CSP"


def test_the_page_can_read_this_version_of_openapi() -> None:
    major = (swagger_files() / "VERSION").read_text("utf-8").lstrip("v").partition(".")[0]

    assert int(major) >= 5, "Swagger UI before 5 knows OpenAPI 3.0 only"
