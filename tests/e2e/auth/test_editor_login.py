"""A page of ComfyUI signs in as the plugins of comfyui-deploy do, and opens versions."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.e2e.graphs import card
from tests.e2e.signing_in import signed_in
from tests.e2e.system import System
from tests.e2e.tenant import Tenant, client_of
from tests.observe.form_browser import Browser, fields

PAGES = ["/auth-request/", "/auth/request/"]
"""Of the fork, and of the plugin."""


@pytest.fixture
async def lin(system: System) -> AsyncIterator[Browser]:
    """Yield a browser in which Lin is signed in."""
    async with signed_in(system, "lin") as somebody:
        yield somebody


@pytest.fixture
async def plugin(system: System) -> AsyncIterator[httpx.AsyncClient]:
    """Yield what the plugins ask with: no credential, and the Origin of ComfyUI's page."""
    headers = {"Origin": "http://127.0.0.1:8188"}
    async with httpx.AsyncClient(base_url=system.url, headers=headers, trust_env=False) as http:
        yield http


async def asked(plugin: httpx.AsyncClient, request_id: str) -> tuple[httpx.Response, ...]:
    """Ask as the fork does, and as the plugin does."""
    return (
        await plugin.get(f"/api/auth-response/{request_id}"),
        await plugin.get("/api/platform/comfyui/auth-response", params={"request_id": request_id}),
    )


async def grant(somebody: Browser, address: str) -> str:
    """Press the button of a login; return the page that follows."""
    answer = await somebody.submit(address, fields(await somebody.open(address)))
    assert answer.status_code == 303, answer.text
    return (await somebody.open(str(answer.url.join(answer.headers["Location"])))).text


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_gets_a_key_once_a_person_has_granted_it(
    system: System, lin: Browser, plugin: httpx.AsyncClient, page: str
) -> None:
    request_id = str(uuid4())
    waiting, missing = await asked(plugin, request_id)
    assert (waiting.status_code, waiting.json()) == (201, {"message": "Not ready yet."})
    assert (missing.status_code, missing.json()) == (404, {"detail": "Auth request not found"})
    assert waiting.headers["Access-Control-Allow-Origin"] == "*"

    shown = await lin.open(page + request_id)
    assert "asks to act for lin" in shown.text
    assert "Granted" in await grant(lin, page + request_id)

    answers = [*await asked(plugin, request_id), *await asked(plugin, request_id)]
    assert [answer.status_code for answer in answers] == [200] * 4
    [got] = {(a.json()["api_key"], a.json()["name"]) for a in answers}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
    key, name = got
    assert name == "lin"

    bearer = {"Authorization": f"Bearer {key}"}
    pushed = {"name": f"from the page {request_id}", "graph": card()}
    answer = await plugin.post("/v1/workflows", json=pushed, headers=bearer)
    assert answer.status_code == 201, answer.text
    assert (await plugin.get("/v1/keys", headers=bearer)).status_code == 403
    async with client_of(system, "lin") as http:
        listed = (await http.get("/v1/keys")).json()["data"]
        issued = next(k for k in listed if key.startswith(k["prefix"]))
        assert issued["scopes"] == ["deploy", "runs:read", "runs:write"]
        await http.delete(f"/v1/keys/{issued['id']}")
    used, gone = await asked(plugin, request_id)
    assert (used.status_code, used.json()) == (201, {"message": "Already used."})
    assert (gone.status_code, gone.json()) == (410, {"detail": "Auth request has expired. "})


async def test_a_login_is_granted_by_one_person(system: System, lin: Browser) -> None:
    address = PAGES[0] + str(uuid4())
    await grant(lin, address)
    assert "Granted" in await grant(lin, address)
    async with signed_in(system, "mallory") as another:
        shown = await another.open(address)
        assert (shown.status_code, "was answered before" in shown.text) == (409, True)
        form = fields(await another.open("/sessions"))
        assert (await another.submit(address, form)).status_code == 303
    assert "Granted" in (await lin.open(address)).text


async def test_another_page_cannot_grant_a_login(lin: Browser) -> None:
    address = PAGES[0] + str(uuid4())
    form = fields(await lin.open(address))
    for origin in ("http://127.0.0.1:8188", "null"):
        assert (await lin.submit(address, form, origin)).status_code == 403
    assert (await lin.submit(address, {"form_token": "x"})).status_code == 403
    assert "asks to act" in (await lin.open(address)).text


@pytest.mark.parametrize("request_id", ["short", "x" * 65, "with space in it here", "路" * 20])
async def test_a_name_that_could_be_guessed_is_no_request(
    lin: Browser, plugin: httpx.AsyncClient, request_id: str
) -> None:
    assert (await lin.open(PAGES[0] + request_id)).status_code == 404
    assert [a.status_code for a in await asked(plugin, request_id)] == [201, 404]


async def test_a_browser_without_a_session_is_led_to_sign_in_and_back(system: System) -> None:
    request_id = str(uuid4())
    async with httpx.AsyncClient(base_url=system.url, trust_env=False) as http:
        answer = await http.get(f"/auth/request/{request_id}", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["next"] == [
        f"auth/request/{request_id}"
    ]


async def test_a_version_opens_in_comfyui_by_a_link(ada: Tenant) -> None:
    deployment = (await ada.http.get(f"/v1/deployments/{await ada.deploy(card())}")).json()
    version = f"/v1/workflows/{deployment['workflow_id']}/versions/{deployment['version']}"
    body = {"machine_id": deployment["machine_id"]}
    answer = await ada.http.post(f"{version}/edit-link", json=body)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store"), answer.text
    link = urlsplit(answer.json()["url"])
    query = {name: values[0] for name, values in parse_qs(link.query).items()}
    assert f"{link.scheme}://{link.netloc}" == ada.machine_url
    assert query["workflow_version_id"] == (await ada.http.get(version)).json()["version_id"]
    assert query["origin"] == str(ada.http.base_url).rstrip("/")
    bearer = {"Authorization": f"Bearer {query['auth_token']}"}
    assert (await ada.http.get(version, headers=bearer)).is_success

    missing = await ada.http.post(f"{version}/edit-link", json={"machine_id": str(uuid4())})
    assert missing.status_code == 404
