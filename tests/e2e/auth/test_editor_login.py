"""A page of ComfyUI signs in as the plugins of comfyui-deploy do, and opens versions."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.e2e.graphs import card
from tests.e2e.signing_in import browser as new_browser
from tests.e2e.signing_in import link_for, signed_in
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, client_of
from tests.observe.form_browser import Browser, fields

PATHS = ["/auth-request/", "/auth/request/"]
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


async def listed_machine(tenant: Tenant) -> None:
    """Register a machine, and wait until lists have it."""
    await tenant.machine()

    async def listed() -> bool:
        machines = (await tenant.http.get("/v1/machines")).json()["data"]
        return any(machine["url"] == tenant.machine_url for machine in machines)

    await eventually(listed)


async def led_to(somebody: Browser, address: str, **headers: str) -> str:
    """Open the address that a plugin opens; return that of the page that a person is led to."""
    answer = await somebody.open(address, **headers)
    assert answer.status_code == 303, answer.text
    return str(answer.url.join(answer.headers["Location"]))


async def grant(somebody: Browser, page: str, **more: str) -> httpx.Response:
    """Press the button of a login."""
    return await somebody.submit(page, fields(await somebody.open(page)) | more)


async def granted(somebody: Browser, address: str) -> str:
    """Grant a login, and return the page that follows."""
    page = await led_to(somebody, address)
    assert (await grant(somebody, page, sure="on")).status_code == 303
    return (await somebody.open(page)).text


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_gets_a_key_once_a_person_has_granted_it(
    system: System, lin: Browser, plugin: httpx.AsyncClient, path: str
) -> None:
    request_id = str(uuid4())
    waiting, missing = await asked(plugin, request_id)
    assert (waiting.status_code, waiting.json()) == (201, {"message": "Not ready yet."})
    assert (missing.status_code, missing.json()) == (404, {"detail": "Auth request not found"})
    assert waiting.headers["Access-Control-Allow-Origin"] == "*"
    assert "Granted" in await granted(lin, path + request_id)

    # The fork's page and ComfyUI's server ask at once, and one of them has it.
    answers = await asyncio.gather(asked(plugin, request_id), asked(plugin, request_id))
    [answer] = [one for pair in answers for one in pair if one.status_code == 200]
    key, name = answer.json()["api_key"], answer.json()["name"]
    assert (name, answer.headers["Cache-Control"]) == ("lin", "no-store")
    used, gone = await asked(plugin, request_id)
    assert (used.status_code, used.json()) == (201, {"message": "Already used."})
    assert (gone.status_code, gone.json()) == (410, {"detail": "Auth request has expired. "})
    assert "ComfyUI is signed in" in (await lin.open(f"/comfyui-logins/{request_id}")).text

    bearer = {"Authorization": f"Bearer {key}"}
    pushed = {"name": f"from the page {request_id}", "graph": card()}
    answer = await plugin.post("/v1/workflows", json=pushed, headers=bearer)
    assert answer.status_code == 201, answer.text
    for hidden in ("/v1/keys", "/v1/runs"):
        assert (await plugin.get(hidden, headers=bearer)).status_code == 403
    async with client_of(system, "lin") as http:
        listed = (await http.get("/v1/keys")).json()["data"]
        issued = next(k for k in listed if key.startswith(k["prefix"]))
        assert (issued["name"], issued["scopes"]) == ("ComfyUI", ["deploy"])
        await http.delete(f"/v1/keys/{issued['id']}")
    assert (await plugin.get("/api/workflows", headers=bearer)).status_code == 401


async def test_the_page_names_the_machine_that_asks(system: System, ada: Tenant) -> None:
    await listed_machine(ada)
    async with signed_in(system, "ada") as somebody:
        page = await led_to(
            somebody, PATHS[0] + str(uuid4()), Referer=f"{ada.machine_url}/?workflow=1"
        )
        shown = (await somebody.open(page)).text
        assert (ada.machine_url in shown, "your machine" in shown) == (True, True)
        assert 'type="checkbox"' not in shown
        assert (await grant(somebody, page)).status_code == 303
        assert "Granted" in (await somebody.open(page)).text


@pytest.mark.parametrize(
    ("referer", "shown"),
    [
        ({}, "no page of ComfyUI led you here"),
        ({"Referer": "https://evil.example/comfyui"}, "none of your machines"),
        ({"Referer": "javascript:alert(1)"}, "no page of ComfyUI led you here"),
    ],
)
async def test_a_link_that_another_person_sent_is_granted_by_no_mere_click(
    lin: Browser, plugin: httpx.AsyncClient, referer: dict[str, str], shown: str
) -> None:
    request_id = str(uuid4())
    page = await led_to(lin, PATHS[0] + request_id, **referer)
    opened = await lin.open(page)
    assert (shown in opened.text, 'type="checkbox"' in opened.text) == (True, True)
    refused = await grant(lin, page)
    assert (refused.status_code, "Confirm first" in refused.text) == (422, True)
    assert [a.status_code for a in await asked(plugin, request_id)] == [201, 404]
    assert (await grant(lin, page, sure="on")).status_code == 303
    assert "Granted" in (await lin.open(page)).text


async def test_a_page_that_no_plugin_opened_in_this_browser_grants_nothing(
    lin: Browser, plugin: httpx.AsyncClient
) -> None:
    request_id, other = str(uuid4()), str(uuid4())
    # The browser was asked for another login.
    form = fields(await lin.open(await led_to(lin, PATHS[0] + other)))
    page = f"/comfyui-logins/{request_id}"
    for answer in (await lin.open(page), await lin.submit(page, form | {"sure": "on"})):
        assert answer.status_code == 303
        assert str(answer.url.join(answer.headers["Location"])).endswith(PATHS[0] + request_id)
    assert [a.status_code for a in await asked(plugin, request_id)] == [201, 404]


async def test_a_login_is_granted_by_one_person(system: System, lin: Browser) -> None:
    address = PATHS[0] + str(uuid4())
    await granted(lin, address)
    assert "Granted" in await granted_again(lin, address)
    async with signed_in(system, "mallory") as another:
        page = await led_to(another, address)
        shown = await another.open(page)
        assert (shown.status_code, "was answered before" in shown.text) == (409, True)
        form = fields(await another.open("/sessions")) | {"sure": "on"}
        assert (await another.submit(page, form)).status_code == 303
    assert "Granted" in (await lin.open(await led_to(lin, address))).text


async def test_a_person_takes_a_login_back_and_another_one_cannot(
    system: System, lin: Browser, plugin: httpx.AsyncClient
) -> None:
    request_id = str(uuid4())
    page = await led_to(lin, PATHS[0] + request_id)
    await grant(lin, page, sure="on")
    fetched, _ = await asked(plugin, request_id)
    bearer = {"Authorization": f"Bearer {fetched.json()['api_key']}"}
    async with signed_in(system, "mallory") as another:
        form = fields(await another.open("/sessions"))
        assert (await another.submit(f"{page}/revoke", form)).status_code == 303
    assert (await plugin.get("/api/workflows", headers=bearer)).status_code == 200
    assert (await lin.submit(f"{page}/revoke", {"form_token": "x"})).status_code == 403
    assert (await lin.submit(f"{page}/revoke", fields(await lin.open(page)))).status_code == 303
    assert (await plugin.get("/api/workflows", headers=bearer)).status_code == 401
    assert "was taken back" in (await lin.open(page)).text


async def granted_again(somebody: Browser, address: str) -> str:
    """Send the form of a login that was granted, as a person who presses the button twice."""
    page = await led_to(somebody, address)
    form = fields(await somebody.open("/sessions")) | {"sure": "on"}
    assert (await somebody.submit(page, form)).status_code == 303
    return (await somebody.open(page)).text


async def test_another_page_cannot_grant_a_login(lin: Browser) -> None:
    page = await led_to(lin, PATHS[0] + str(uuid4()))
    form = fields(await lin.open(page)) | {"sure": "on"}
    for origin in ("http://127.0.0.1:8188", "null"):
        assert (await lin.submit(page, form, origin)).status_code == 403
    assert (await lin.submit(page, {"form_token": "x", "sure": "on"})).status_code == 403
    assert "asks to act" in (await lin.open(page)).text
    # Opening it, as programs do with links in messages, grants nothing either.
    assert (await lin.submit(page.replace("comfyui-logins", "auth-request"), form)).is_error


async def test_who_may_not_deploy_cannot_grant_a_login(system: System) -> None:
    async with client_of(system, "lin") as http:
        made = await http.post("/v1/keys", json={"name": "reader", "scopes": ["runs:read"]})
    async with new_browser(system.url) as reader:
        form = {**fields(await reader.open("/sign-in")), "key": made.json()["key"]}
        assert (await reader.submit("/sign-in/key", form)).status_code == 303
        page = await led_to(reader, PATHS[0] + str(uuid4()))
        assert (await reader.open(page)).status_code == 403


@pytest.mark.parametrize("request_id", ["short", "x" * 65, "with space in it here", "路" * 20])
async def test_a_name_that_could_be_guessed_is_no_request(
    lin: Browser, plugin: httpx.AsyncClient, request_id: str
) -> None:
    for path in (*PATHS, "/comfyui-logins/"):
        assert (await lin.open(path + request_id)).status_code == 404
    assert [a.status_code for a in await asked(plugin, request_id)] == [201, 404]


async def test_a_browser_without_a_session_is_led_to_sign_in_and_back(
    system: System, ada: Tenant
) -> None:
    request_id = str(uuid4())
    await listed_machine(ada)
    async with new_browser(system.url) as somebody:
        page = await led_to(somebody, f"/auth/request/{request_id}", Referer=f"{ada.machine_url}/")
        answer = await somebody.open(page)
        assert parse_qs(urlsplit(answer.headers["Location"]).query)["next"] == [
            f"comfyui-logins/{request_id}"
        ]
        assert (await somebody.sign_in(link_for(system, "ada"))).status_code == 303
        # What asked is known after the sign-in, too.
        assert ada.machine_url in (await somebody.open(page)).text


async def test_a_version_opens_in_comfyui_by_a_link(ada: Tenant, plugin: httpx.AsyncClient) -> None:
    deployment = (await ada.http.get(f"/v1/deployments/{await ada.deploy(card())}")).json()
    version = f"/v1/workflows/{deployment['workflow_id']}/versions/{deployment['version']}"
    body = {"machine_id": deployment["machine_id"]}
    answer = await ada.http.post(f"{version}/edit-link", json=body)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store"), answer.text
    link = urlsplit(answer.json()["url"])
    query = {name: values[0] for name, values in parse_qs(link.query).items()}
    version_id = (await ada.http.get(version)).json()["version_id"]
    assert f"{link.scheme}://{link.netloc}" == ada.machine_url
    assert query["workflow_version_id"] == version_id
    assert query["origin"] == str(ada.http.base_url).rstrip("/")
    ends = datetime.fromisoformat(answer.json()["expires_at"])
    assert ends - datetime.now(UTC) < timedelta(minutes=11)

    bearer = {"Authorization": f"Bearer {query['auth_token']}"}
    opened = await plugin.get(f"/api/workflow-version/{version_id}", headers=bearer)
    assert opened.status_code == 200, opened.text
    assert opened.json()["workflow_id"] == deployment["workflow_id"]
    assert opened.json()["workflow_api"] == card()

    # It opens this version, and nothing else.
    other = (await ada.http.get(f"/v1/deployments/{await ada.deploy(card(), name='b')}")).json()
    answer = await plugin.get(f"/api/workflow-version/{other['version_id']}", headers=bearer)
    assert answer.status_code == 404
    workflow = f"/api/workflow/{other['workflow_id']}"
    for path in (version, "/v1/workflows", "/api/workflows", workflow):
        assert (await plugin.get(path, headers=bearer)).status_code == 401, path
    push = {"workflow_id": deployment["workflow_id"], "workflow_api": card()}
    assert (await plugin.post("/api/workflow", json=push, headers=bearer)).status_code == 401
    assert (await plugin.post(f"{version}/edit-link", json=body, headers=bearer)).status_code == 401

    missing = await ada.http.post(f"{version}/edit-link", json={"machine_id": str(uuid4())})
    assert missing.status_code == 404


async def test_a_link_ends_with_the_key_that_made_it(
    ada: Tenant, plugin: httpx.AsyncClient
) -> None:
    deployment = (await ada.http.get(f"/v1/deployments/{await ada.deploy(card())}")).json()
    made = (await ada.http.post("/v1/keys", json={"name": "k", "scopes": ["deploy"]})).json()
    answer = await plugin.post(
        f"/v1/workflows/{deployment['workflow_id']}/versions/{deployment['version']}/edit-link",
        json={"machine_id": deployment["machine_id"]},
        headers={"Authorization": f"Bearer {made['key']}"},
    )
    ticket = parse_qs(urlsplit(answer.json()["url"]).query)["auth_token"][0]
    await ada.http.delete(f"/v1/keys/{made['id']}")
    refused = await plugin.get(
        f"/api/workflow-version/{deployment['version_id']}",
        headers={"Authorization": f"Bearer {ticket}"},
    )
    # The plugins read JSON here, whatever the status.
    assert (refused.status_code, "no longer valid" in refused.json()["error"]) == (401, True)
