"""What a newcomer meets first: the address alone, the samples, the examples of /docs."""

import shlex
from collections.abc import AsyncIterator
from functools import partial
from io import StringIO
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from app.cli.client.api_client import ApiClient
from app.cli.client.login import LOCAL_USER
from app.cli.local.samples import Sample, register, run_samples
from app.cli.local.stack import LocalMachine
from app.cli.local.up import sample_command
from tests.e2e.command_line import Comfyd
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, client_of

BROWSERS = [
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "text/html",
    "text/html;q=0.9, application/json;q=0.1",
]
PROGRAMS = ["*/*", "application/json", "application/json, text/html;q=0.5", "image/png", ""]


@pytest.fixture
async def anonymous(system: System) -> httpx.AsyncClient:
    """Return a client without a credential."""
    return httpx.AsyncClient(base_url=system.url, trust_env=False, timeout=40)


@pytest.mark.parametrize("accept", BROWSERS)
async def test_a_browser_gets_a_page(anonymous: httpx.AsyncClient, accept: str) -> None:
    async with anonymous as http:
        page = await http.get("/", headers={"Accept": accept}, follow_redirects=True)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "vendor/htmx.min.js" in page.text


@pytest.mark.parametrize("accept", PROGRAMS)
async def test_a_program_is_told_what_this_is(anonymous: httpx.AsyncClient, accept: str) -> None:
    async with anonymous as http:
        told = await http.get("/", headers={"Accept": accept})
        places = {n: (await http.get(p)).status_code for n, p in told.json().items() if n != "name"}
    assert (told.status_code, told.json()["name"]) == (200, "comfyd")
    assert places == {"docs": 200, "openapi": 200, "health": 200}


@pytest.fixture
async def owner(system: System) -> AsyncIterator[Tenant]:
    """Yield the owner of a `comfyd up`."""
    async with client_of(system, LOCAL_USER) as http:
        yield Tenant(http, system.machine_url)


async def run_for(
    tenant: Tenant, *checkpoints: str, steps: int | None = None
) -> tuple[Sample, str]:
    """Run the samples as `comfyd up` does; give the one to go on with, and what was printed."""
    printed = StringIO()
    local = LocalMachine(url=tenant.machine_url)
    console = Console(file=printed, width=200)
    return await run_samples(
        ApiClient(tenant.http), local, checkpoints, console, steps=steps
    ), printed.getvalue()


async def test_the_sample_takes_a_checkpoint_that_loads(owner: Tenant, comfyd: Comfyd) -> None:
    sample, printed = await run_for(owner, "broken.safetensors", "standin.safetensors")
    assert sample.name == "text to image"
    assert "so the sample is 'text to image', with broken.safetensors" in printed
    assert "with the next checkpoint, standin.safetensors" in printed
    assert printed.count(".png") == 1

    # The next start begins with the one that was found.
    _, printed = await run_for(owner, "broken.safetensors", "standin.safetensors")
    assert "with standin.safetensors" in printed
    assert "broken" not in printed
    assert "version 2" in printed

    key = owner.http.headers["Authorization"].removeprefix("Bearer ")
    again = shlex.split(sample_command(sample, Path("x"), "comfyd"))[2:]
    assert comfyd(*again, COMFYD_KEY=key).code == 0


@pytest.mark.parametrize(("steps", "taken"), [(None, 20), (4, 4)])
async def test_the_sample_takes_few_steps_where_they_are_slow(
    owner: Tenant, steps: int | None, taken: int
) -> None:
    _, printed = await run_for(owner, "standin.safetensors", steps=steps)
    inputs = {
        field["name"]: field["default"]
        for deployment in await ApiClient(owner.http).items("/v1/deployments")
        if deployment["workflow_name"] == "text to image"
        for field in deployment["inputs"]
    }
    assert inputs["steps"] == taken
    assert ("it has no GPU, so the sample takes only 4 steps" in printed) == bool(steps)


@pytest.mark.parametrize(
    ("checkpoints", "why"),
    [
        ((), "it has no checkpoint, "),
        (("broken.safetensors",), "no checkpoint that was tried loads, "),
    ],
)
async def test_a_card_needs_no_checkpoint(
    owner: Tenant, comfyd: Comfyd, checkpoints: tuple[str, ...], why: str
) -> None:
    sample, printed = await run_for(owner, *checkpoints)
    assert f"{why}so the sample is 'colour card'" in printed
    assert printed.count(".png") == 1
    key = owner.http.headers["Authorization"].removeprefix("Bearer ")
    again = shlex.split(sample_command(sample, Path("x"), "comfyd"))[2:]
    assert comfyd(*again, COMFYD_KEY=key).code == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [("post", "/v1/runs"), ("post", "/api/run"), ("post", "/v1/batches"), ("post", "/v1/keys")],
)
async def test_examples_of_the_page_run_as_they_are(owner: Tenant, method: str, path: str) -> None:
    await run_for(owner)
    document = (await owner.http.get("/openapi.json")).json()
    body = document["paths"][path][method]["requestBody"]["content"]["application/json"]
    for example in body["examples"].values():
        answer = await owner.http.post(path, json=example["value"])
        assert answer.is_success, answer.text
        if "run" in path:
            run_id = answer.json().get("run_id") or answer.json()["id"]
            assert (await owner.ended(run_id))["status"] == "success"


async def listed_at(api: ApiClient, url: str) -> bool:
    return [machine["url"] for machine in await api.items("/v1/machines")] == [url]


async def test_a_machine_moves_from_the_stand_in_to_a_comfyui(system: System) -> None:
    async with client_of(system, "mover") as http:
        api = ApiClient(http)
        for local in (
            LocalMachine(url="http://127.0.0.1:9", token="of-the-stand-in"),
            LocalMachine(url=system.machine_url),
            LocalMachine(url="http://127.0.0.1:9", token="of-the-stand-in"),
        ):
            found = await register(api, local)
            assert (found["url"], found["has_token"]) == (local.url, bool(local.token))
            await eventually(partial(listed_at, api, local.url))
