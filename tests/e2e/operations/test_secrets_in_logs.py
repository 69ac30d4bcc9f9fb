"""No secret is ever written to a log, also where things go wrong and at the loudest level."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
import pytest

from infra.embedded.ports import LOOPBACK
from infra.settings.secret import secret_values
from tests.builders.pictures import picture, saved
from tests.e2e.graphs import MISSING, load
from tests.e2e.system import System
from tests.e2e.tenant import Tenant, client_of

LOUD = {"COMFYD_LOG_LEVEL": "debug"}
PROCESSES = ("api-loud", "worker-loud", "projector-loud", "api-locked", "api-refused")


def made(what: str) -> str:
    """Make a secret that nobody else has."""
    return f"{what}-{token_hex(12)}"


@pytest.fixture
async def loud(system: System) -> AsyncIterator[str]:
    """Start another of each process that tells all it can; give the API's URL."""
    url = system.start_another_api("api-loud", **LOUD)
    system.start_own("worker-loud", "consumers", "worker", **LOUD)
    system.start_own("projector-loud", "consumers", "projector", **LOUD)
    await system.until_ready(url)
    yield url
    for name in ("api-loud", "worker-loud", "projector-loud"):
        system.end(name)


async def test_no_secret_is_in_any_log(system: System, loud: str, tmp_path: Path) -> None:
    token, guess, machine_token = system.token(made("ada")), made("guess"), made("machine")
    image = b64encode(saved("PNG", picture(seed=77))).decode()
    machine_url = system.another_machine_url()
    system.start_machine("shy", machine_url, tmp_path, "--token", machine_token)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=loud, headers=headers, trust_env=False, timeout=40
    ) as http:
        somebody = Tenant(http, machine_url)
        key = await _key_that_is_revoked(http)
        deployment = await _run(somebody, machine_url, machine_token, image)
        await _go_wrong(http, deployment, guess, image, machine_token)
        ticket = await _stream(http, token, guess)
    locked, refused = await _with_wrong_passwords(system, token, deployment, image)
    system.end("shy")

    secrets = {token, ticket, guess, machine_token, key, image[:200], image[-60:], locked, refused}
    secrets |= secret_values(system.env)
    logs = {file.name: file.read_text("utf-8") for file in (system.folder / "logs").iterdir()}
    found = {
        (name, secret)
        for name, text in logs.items()
        for secret in secrets
        if any(form in text for form in (secret, quote(secret, safe=""), secret.split(".")[-1]))
    }
    assert found == set()
    # They have had something to say.
    assert [name for name in PROCESSES if not logs[f"{name}.log"].strip()] == []


async def _key_that_is_revoked(http: httpx.AsyncClient) -> str:
    issued = (await http.post("/v1/keys", json={"name": "k", "scopes": ["runs:read"]})).json()
    key = {"Authorization": f"Bearer {issued['key']}"}
    used = await http.get("/v1/runs", headers=key)
    await http.delete(f"/v1/keys/{issued['id']}")
    gone = await http.get("/v1/runs", headers=key)
    assert (used.status_code, gone.status_code) == (200, 401)
    return str(issued["key"])


async def _run(somebody: Tenant, machine_url: str, machine_token: str, image: str) -> str:
    body = {
        "name": machine_url,
        "url": machine_url,
        "token": machine_token,
        "header": {"name": "X-API-Key", "value": f"{machine_token}-header"},
        "comfy_api_key": f"{machine_token}-account",
    }
    (await somebody.http.post("/v1/machines", json=body)).raise_for_status()
    deployment = await somebody.deploy(load(), machine_url=machine_url)
    run = await somebody.run(deployment, {"picture": f"data:image/png;base64,{image}"})
    assert run["status"] == "success", run
    return deployment


async def _go_wrong(
    http: httpx.AsyncClient, deployment: str, guess: str, image: str, machine_token: str
) -> None:
    """Ask for what is refused in many ways, with secrets in every place."""
    body = {"deployment_id": deployment, "inputs": {"picture": f"data:image/png;base64,{image}@"}}
    url = f"http://user:{guess}@{LOOPBACK}/x.png?token={guess}"
    for answer in [
        await http.get("/v1/runs", headers={"Authorization": f"Bearer {guess}"}),
        await http.get("/v1/runs", headers={"Authorization": f"Basic {guess}"}),
        await http.get("/v1/runs", headers={"Authorization": f"Bearer cfd_{guess}"}),
        await http.get("/nowhere", params={"access_token": guess}),
        await http.get(f"/v1/runs/{guess}"),
        await http.post("/v1/runs", json=body),
        await http.post("/v1/runs", json={**body, "inputs": {"picture": url}}),
        await http.post("/api/run", content=f'{{"secret": "{guess}"'),
        await http.post("/v1/machines", json={"name": "m", "url": url, "token": machine_token}),
        await http.post("/v1/tokens/revoke", json={"token": guess}),
    ]:
        assert 400 <= answer.status_code < 500, answer.request.url
    reader, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
    writer.write(f"GET /?access_token={guess} NONSENSE\r\n\r\n".encode())
    assert b"400" in await reader.readline()
    writer.close()


async def _stream(http: httpx.AsyncClient, token: str, guess: str) -> str:
    """Follow runs with a ticket, and with what must not be in an address; give the ticket."""
    runs = (await http.get("/v1/runs")).json()["data"]
    made_for_it = await http.post(f"/v1/runs/{runs[0]['id']}/ticket", json={})
    ticket = str(made_for_it.json()["ticket"])
    async with httpx.AsyncClient(base_url=http.base_url, trust_env=False, timeout=20) as browser:
        for run_id, name, shown, status in (
            (runs[0]["id"], "ticket", ticket, 200),
            (runs[0]["id"], "ticket", guess, 401),
            (runs[0]["id"], "access_token", token, 401),
            (MISSING, "ticket", ticket, 404),
        ):
            path = f"/v1/runs/{run_id}/events"
            answer = await browser.get(path, params={name: shown})
            assert answer.status_code == status
    return ticket


async def _with_wrong_passwords(
    system: System, token: str, deployment: str, image: str
) -> tuple[str, str]:
    """Start processes that their servers do not let in; give what they had for passwords."""
    locked, refused = made("s3"), made("postgres")
    postgres = urlsplit(system.env["POSTGRES_URL"])
    address = f"{postgres.username}:{refused}@{postgres.hostname}:{postgres.port}"
    url = system.start_another_api("api-locked", SPACES_SECRET=locked, **LOUD)
    await system.until_ready(url)
    async with client_of(system, "ada", url=url) as http:
        http.headers["Authorization"] = f"Bearer {token}"
        inputs = {"picture": f"data:image/png;base64,{image}"}
        body = {"deployment_id": deployment, "inputs": inputs}
        assert (await http.post("/v1/runs", json=body)).status_code == 503
    wrong = urlunsplit(postgres._replace(netloc=address))
    url = system.start_another_api("api-refused", POSTGRES_URL=wrong, **LOUD)
    await system.until_ready(url)
    async with client_of(system, "ada", url=url) as http:
        assert (await http.get("/v1/runs")).status_code == 503
    for name in ("api-locked", "api-refused"):
        system.end(name)
    return locked, refused
