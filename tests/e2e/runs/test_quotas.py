"""Quotas of runs: exact over two API processes, told clearly, and never a reason to lose a run."""

import asyncio
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import pytest

from infra.embedded.ports import LOOPBACK
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.log.reader import head
from tests.builders.pictures import saved
from tests.e2e.graphs import card, load
from tests.e2e.system import System
from tests.e2e.tenant import Tenant, client_of
from tests.network.ports import free_port

IN_FLIGHT = 10
PICTURE = f"data:image/png;base64,{b64encode(saved('PNG')).decode()}"


@pytest.fixture(scope="module")
async def urls(system: System) -> AsyncIterator[tuple[str, str]]:
    """Start two API processes with a quota of runs in flight."""
    quota = {"COMFYD_RUNS_IN_FLIGHT": str(IN_FLIGHT)}
    found = [system.start_another_api(f"api-quota-{n}", **quota) for n in (1, 2)]
    for url in found:
        await system.until_ready(url)
    yield found[0], found[1]
    for n in (1, 2):
        system.end(f"api-quota-{n}")


@asynccontextmanager
async def somebody(system: System, *urls: str) -> AsyncIterator[list[Tenant]]:
    """Yield a new tenant, at each of these APIs."""
    user = f"quota-{uuid4()}"
    async with AsyncExitStack() as exits:
        clients = [
            await exits.enter_async_context(client_of(system, user, url=url)) for url in urls
        ]
        yield [Tenant(http, system.machine_url) for http in clients]


async def test_two_processes_together_let_in_exactly_the_quota(
    system: System, urls: tuple[str, str]
) -> None:
    async with somebody(system, *urls) as doors:
        deployment = await doors[0].deploy(card(), machine_url=system.another_machine_url())

        answers = await asyncio.gather(
            *(door.create(deployment) for _ in range(25) for door in doors)
        )

        runs = [a.json()["id"] for a in answers if a.status_code == 202]
        assert Counter(a.status_code for a in answers) == {202: IN_FLIGHT, 429: 50 - IN_FLIGHT}
        refused = next(a for a in answers if a.status_code == 429)
        assert refused.json()["code"] == "quota_exceeded"
        assert [e["code"] for e in refused.json()["errors"]] == ["quota_runs_in_flight"]
        assert f"at most {IN_FLIGHT} runs" in refused.json()["detail"]
        assert "Retry-After" not in refused.headers  # nobody knows when a run ends

        # As soon as one has ended there is room for one, and no more.
        await doors[0].cancel(runs[0])
        await doors[0].ended(runs[0])
        after = [await door.create(deployment) for door in doors]
        assert sorted(a.status_code for a in after) == [202, 429]

        for run_id in runs:
            await doors[0].cancel(run_id)


async def test_a_repeated_request_counts_once(system: System, urls: tuple[str, str]) -> None:
    async with somebody(system, *urls) as doors:
        deployment = await doors[0].deploy(card(), machine_url=system.another_machine_url())

        answers = await asyncio.gather(
            *(door.create(deployment, Idempotency_Key="one") for _ in range(10) for door in doors)
        )
        others = [await doors[0].create(deployment) for _ in range(IN_FLIGHT)]
        again = await doors[1].create(deployment, Idempotency_Key="one")

        assert {a.status_code for a in answers} == {202}
        assert len({a.json()["id"] for a in answers}) == 1
        assert [a.status_code for a in others] == [202] * (IN_FLIGHT - 1) + [429]
        # A repeat is answered even where there is no room for anything new.
        assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
        for run_id in {a.json()["id"] for a in (*answers, *others) if a.status_code == 202}:
            await doors[0].cancel(run_id)


async def test_a_day_has_its_quota_and_the_refusal_says_when_it_is_over(
    system: System, nats: Client
) -> None:
    url = system.start_another_api("api-daily", COMFYD_RUNS_PER_DAY="2")
    await system.until_ready(url)
    async with somebody(system, url) as [door]:
        deployment = await door.deploy(load())
        picture = {"picture": PICTURE}
        made = [await door.create(deployment, picture, Prefer="wait=20") for _ in range(2)]
        before = await _traces(nats)

        refused = await door.create(deployment, picture)
        classic = await door.http.post(
            "/api/run", json={"deployment_id": deployment, "inputs": picture}
        )

        after = await _traces(nats)
    system.end("api-daily")

    assert [a.json()["status"] for a in made] == ["success"] * 2
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert [e["code"] for e in refused.json()["errors"]] == ["quota_runs_per_day"]
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert classic.status_code == 429
    assert classic.json()["error"].startswith("at most 2 runs may be created a day")
    assert after == before


async def test_what_was_refused_for_other_reasons_does_not_count(system: System) -> None:
    url = system.start_another_api("api-single", COMFYD_RUNS_IN_FLIGHT="1")
    await system.until_ready(url)
    async with somebody(system, url) as [door]:
        deployment = await door.deploy(load(), machine_url=system.another_machine_url())
        broken = [await door.create(deployment, {"picture": "data:image/png;base64,AAAA"})]
        broken.append(await door.create(deployment, {"picture": 7}))
        good = await door.create(deployment, {"picture": PICTURE})
        await door.cancel(good.json()["id"])
    system.end("api-single")

    assert [a.status_code for a in broken] == [422, 422]
    assert good.status_code == 202


async def test_without_postgres_runs_are_let_in_uncounted(system: System) -> None:
    nobody = f"postgresql://{LOOPBACK}:{free_port()}/gone"
    quota = {"COMFYD_RUNS_IN_FLIGHT": "1", "POSTGRES_URL": nobody}
    url = system.start_another_api("api-uncounted", **quota)
    await system.until_ready(url)
    async with somebody(system, system.url, url) as [usual, door]:
        deployment = await usual.deploy(card(), machine_url=system.another_machine_url())
        answers = [await door.create(deployment) for _ in range(3)]
        for answer in answers:
            await usual.cancel(answer.json()["id"])
    log = system.log_of("api-uncounted")
    system.end("api-uncounted")

    assert [a.status_code for a in answers] == [202] * 3
    assert "quota.unchecked" in log


async def _traces(nats: Client) -> tuple[int, int]:
    inputs = await api(nats, "STREAM.INFO.INPUTS", {}, within=5)
    return await head(nats), int(inputs["state"]["last_seq"])
