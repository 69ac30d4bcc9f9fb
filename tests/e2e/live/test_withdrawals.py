"""Silent streams end within about a second when their reader loses access, on every process."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from tests.e2e.authorisation.callers import organisation_of
from tests.e2e.graphs import card
from tests.e2e.signing_in import signed_in
from tests.e2e.system import System
from tests.e2e.tenant import Tenant
from tests.observe.form_browser import fields

SOON = 4.0
"""Seconds: one, and what a busy machine adds. Heartbeats come every fifteen."""

NOWHERE = "http://127.0.0.1:9"

Withdraw = Callable[[], Awaitable[object]]
Access = tuple[Mapping[str, str], Withdraw]
"""What is sent to read, and how that is withdrawn."""


@pytest.fixture(scope="module")
async def elsewhere(system: System) -> AsyncIterator[str]:
    """Start another API; give its URL."""
    url = system.start_another_api("api-of-silent-streams")
    await system.until_ready(url)
    yield url
    system.end("api-of-silent-streams")


@pytest.fixture(scope="module")
async def chair(system: System) -> AsyncIterator[Tenant]:
    """Yield the owner of an organisation, whose runs wait for ever."""
    async with organisation_of(system, "the chair of silence") as owner:
        yield owner


@pytest.fixture(scope="module")
async def streams(chair: Tenant) -> Sequence[str]:
    """Return the paths of streams in which nothing happens."""
    deployment = await chair.deploy(card(), machine_url=NOWHERE)
    run = await chair.start(deployment)
    batch = await chair.http.post(
        "/v1/batches", json={"deployment_id": deployment, "inputs": [{}, {}]}
    )
    return [
        f"/v1/runs/{run}/events",
        f"/v1/batches/{batch.json()['id']}/events",
        "/v1/events",
        "/v1/changes",
    ]


def organisation(chair: Tenant) -> str:
    return str(chair.http.headers["Comfyd-Organisation"])


async def by_key(_: System, chair: Tenant) -> Access:
    made = (await chair.http.post("/v1/keys", json={"name": "k", "scopes": ["runs:read"]})).json()

    async def revoke() -> None:
        (await chair.http.delete(f"/v1/keys/{made['id']}")).raise_for_status()

    return {"Authorization": f"Bearer {made['key']}"}, revoke


async def by_membership(system: System, chair: Tenant) -> Access:
    path = f"/v1/organisations/{organisation(chair)}/members/judy"
    (await chair.http.put(path, json={"role": "viewer"})).raise_for_status()

    async def remove() -> None:
        (await chair.http.delete(path)).raise_for_status()

    return {
        "Authorization": f"Bearer {system.token('judy')}",
        "Comfyd-Organisation": organisation(chair),
    }, remove


async def by_token(system: System, chair: Tenant) -> Access:
    token = system.token("the chair of silence", organisation(chair))

    async def revoke() -> None:
        body = {"token": token}
        (await chair.http.post("/v1/tokens/revoke", json=body)).raise_for_status()

    return {"Authorization": f"Bearer {token}"}, revoke


@pytest.mark.parametrize("way", [by_key, by_membership, by_token])
async def test_streams_end_when_access_is_withdrawn(
    system: System,
    chair: Tenant,
    streams: Sequence[str],
    elsewhere: str,
    way: Callable[[System, Tenant], Awaitable[Access]],
) -> None:
    headers, withdraw = await way(system, chair)
    await all_end(elsewhere, streams, headers, withdraw)


async def test_an_open_page_loses_its_stream_when_its_session_is_signed_out(
    system: System, chair: Tenant, elsewhere: str
) -> None:
    user = "the chair of silence"
    async with signed_in(system, user, org=organisation(chair)) as here:
        [secret] = [value for value in here.cookies.values() if value.startswith("cfs_")]
        cookie = f"comfyd-session-{elsewhere.rpartition(':')[2]}={secret}"
        form = fields(await here.open("/sessions"))

        async def sign_out() -> None:
            assert (await here.submit("/sign-out", form)).status_code == 303

        await all_end(elsewhere, ["/changes"] * 4, {"Cookie": cookie}, sign_out)


async def all_end(
    url: str, paths: Sequence[str], headers: Mapping[str, str], withdraw: Withdraw
) -> None:
    """Open streams, withdraw access, and check that each ends soon and is not opened again."""
    async with AsyncExitStack() as exits:
        http = await exits.enter_async_context(
            httpx.AsyncClient(base_url=url, headers=dict(headers), trust_env=False, timeout=20)
        )
        opened = [await exits.enter_async_context(http.stream("GET", path)) for path in paths]
        lines = [stream.aiter_lines() for stream in opened]
        assert [stream.status_code for stream in opened] == [200] * len(paths)
        assert [await anext(of_one) for of_one in lines] == ["retry: 2000"] * len(paths)
        # Checks of streams that have just begun are over; what ends them now is the log.
        await asyncio.sleep(2.0)
        withdrawn_at = time.monotonic()
        await withdraw()
        took = await asyncio.gather(*(end_of(of_one, withdrawn_at) for of_one in lines))
        assert max(took) < SOON, dict(zip(paths, took, strict=True))
        again: Any = await http.get(paths[0])
        assert again.status_code in {401, 404}


async def end_of(lines: AsyncIterator[str], since: float) -> float:
    """Read to the end; return after how many seconds it came."""
    async for _ in lines:
        pass
    return time.monotonic() - since
