"""Behind nginx, Caddy and HAProxy, as the page configures them, everything works as without."""

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from app.api.requests import LONGEST_WAIT
from app.live.broadcaster import HEARTBEAT
from infra.jetstream.event_store import JetStreamEventStore
from tests.e2e.batches import make
from tests.e2e.graphs import card
from tests.e2e.proxies import KINDS, Kind, Proxy, documented, running
from tests.e2e.signing_in import browser, link_for, token_in
from tests.e2e.stored_files import file_path, store_run
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, client_of

USER = "behind proxies"
SILENCE = 6.0
"""Seconds for which nothing happens in a stream: longer than the proxies' read time-outs."""


@pytest.fixture(
    params=[
        pytest.param(
            kind,
            id=kind.name,
            marks=pytest.mark.skipif(
                kind.program is None,
                reason=f"no {kind.command[0]}: apt-get install it",
            ),
        )
        for kind in KINDS
    ]
)
async def proxy(
    request: pytest.FixtureRequest, impatient: str, tmp_path: Path
) -> AsyncIterator[Proxy]:
    """Yield a proxy in front of an API whose streams have a heartbeat every second."""
    kind: Kind = request.param
    async with running(kind, tmp_path, impatient) as started:
        yield started


@pytest.fixture
async def tenant(system: System, proxy: Proxy) -> AsyncIterator[Tenant]:
    """Yield a tenant who asks through the proxy, and takes what is compressed."""
    async with httpx.AsyncClient(
        base_url=proxy.url,
        headers={
            "Authorization": f"Bearer {system.token(USER)}",
            "Accept-Encoding": "gzip",
        },
        verify=proxy.tls,
        timeout=40,
        trust_env=False,
    ) as http:
        yield Tenant(http, system.machine_url)


async def test_a_proxy_passes_everything_on_in_time(
    system: System, impatient: str, proxy: Proxy, tenant: Tenant
) -> None:
    # What is prepared does not pass the proxy, which gives up sooner than a busy machine is done.
    async with client_of(system, USER, url=impatient) as http:
        direct = Tenant(http, system.machine_url)
        deployment = await direct.deploy(card())
        states = f"/v1/machines/{await direct.machine()}"
        (await http.post(f"{states}/disable")).raise_for_status()
        batch = await make(direct, deployment, [{}])
        [run] = batch["runs"]
        made = await http.post(f"/v1/runs/{run}/ticket", json={})

    async with asyncio.TaskGroup() as both:
        streams = [
            both.create_task(_read(tenant.http, made.json()["links"]["events"])),
            both.create_task(_read(tenant.http, batch["links"]["events"])),
        ]
        await asyncio.sleep(SILENCE)
        resumed_at = time.monotonic()
        async with client_of(system, USER, url=impatient) as http:
            (await http.post(f"{states}/resume")).raise_for_status()

    for lines in (stream.result() for stream in streams):
        # What is compressed, or waits for more, comes after the silence or not at all.
        before = [line for at, line in lines if at < resumed_at]
        assert "event: snapshot" in before
        assert len([line for line in before if line.startswith(":")]) >= 2
        assert [line for _, line in lines if line.startswith("event: ")][-1] == "event: done"
    shown = await tenant.http.get(f"/v1/runs/{run}")
    assert shown.json()["status"] == "success"
    # It came over https, as the API was told.
    assert "strict-transport-security" in shown.headers
    log = await eventually(partial(logged, proxy, f"/v1/runs/{run}/events"))
    assert made.json()["ticket"] not in log


async def _read(http: httpx.AsyncClient, address: str) -> list[tuple[float, str]]:
    """Read a stream to its end; give its lines, and when each came."""
    # A ticket counts only where there is no other credential.
    headers = {"Authorization": ""} if "ticket=" in address else {}
    async with http.stream("GET", address, headers=headers) as answer:
        # HAProxy would hold back the last event only, which the next heartbeat brings.
        assert answer.headers["Content-Encoding"] == "identity"
        return [(time.monotonic(), line) async for line in answer.aiter_lines()]


async def logged(proxy: Proxy, path: str) -> str | None:
    return found if path in (found := proxy.log()) else None


async def test_a_client_is_told_which_wait_was_granted(tenant: Tenant) -> None:
    deployment, key = await tenant.deploy(card()), uuid4().hex
    run = await tenant.create(deployment, Idempotency_Key=key)
    # A run that takes longer than the proxies' read time-outs would be another test.
    await tenant.ended(run.json()["id"])

    answer = await tenant.create(deployment, Idempotency_Key=key, Prefer="wait=600")

    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == f"wait={LONGEST_WAIT}"


async def test_a_browser_signs_in_and_follows_the_pages(system: System, proxy: Proxy) -> None:
    link = link_for(system, USER, url=proxy.url)
    async with browser(proxy.url, tls=proxy.tls) as somebody:
        # No public address is set: `Host` as the browser sent it makes the form one of ours.
        assert (await somebody.sign_in(link)).status_code == 303
        [name] = [name for name in somebody.cookies if "-session-" in name]
        # By https no other host of the domain can set it.
        assert name == f"__Host-comfyd-session-{proxy.url.rpartition(':')[2]}"
        assert (await somebody.open("/")).status_code == 200
        async with somebody.http.stream("GET", "/changes") as stream, asyncio.timeout(40):
            assert await anext(stream.aiter_lines()) == "retry: 2000"
    log = await eventually(partial(logged, proxy, "/changes"))
    assert "/sign-in/link" in log
    assert token_in(link) not in log


async def test_files_pass_a_proxy_in_parts(
    system: System, tenant: Tenant, log: JetStreamEventStore
) -> None:
    content = bytes(range(256)) * 8
    _, key = await store_run(system, log, "behind a proxy.png", content, "image/png")
    part = await tenant.http.get(file_path(system, key), headers={"Range": "bytes=256-511"})
    assert (part.status_code, part.content) == (206, content[256:512])
    assert part.headers["Content-Range"] == "bytes 256-511/2048"
    assert part.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'


@pytest.mark.parametrize("language", ["nginx", "haproxy"])
def test_the_time_outs_of_the_page_are_longer_than_any_silence(language: str) -> None:
    patience = re.findall(
        r"(?:_read_timeout|timeout client|timeout server) (\d+)s", documented(language)
    )

    assert set(patience) == {"75"}
    assert max(LONGEST_WAIT, HEARTBEAT) < 60
