"""Requests are limited by credential and by address, over two API processes together."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from infra.embedded.ports import LOOPBACK
from infra.postgres import connect
from tests.e2e.graphs import MISSING, card
from tests.e2e.keys import issue
from tests.e2e.system import System
from tests.e2e.tenant import Tenant, client_of
from tests.network.ports import free_port

LIMIT = 10


@pytest.fixture(scope="module")
async def limited(system: System) -> AsyncIterator[tuple[str, str]]:
    """Start two API processes with small limits, behind a proxy on this machine."""
    settings = {
        "COMFYD_RATE_LIMIT": str(LIMIT),
        "COMFYD_ADDRESS_LIMIT": str(2 * LIMIT),
        "COMFYD_TRUSTED_PROXIES": f"{LOOPBACK}/32",
    }
    urls = [
        system.start_another_api(f"api-limited-{n}", module="tests.e2e.patient_api", **settings)
        for n in (1, 2)
    ]
    for url in urls:
        await system.until_ready(url)
    yield urls[0], urls[1]
    for n in (1, 2):
        system.end(f"api-limited-{n}")


@pytest.fixture
async def _early_in_the_minute(system: System) -> None:
    """Begin where all requests of a test fall into the same minute."""
    async with connect(system.env["POSTGRES_URL"]) as connection:
        cursor = await connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        row = await cursor.fetchone()
    assert row is not None
    second = row[0] % 60
    if second > 45:
        await asyncio.sleep(60.1 - second)


def from_address(url: str, address: str, **headers: str) -> httpx.AsyncClient:
    """Return a client that seems to come from *address*."""
    sent = {"X-Forwarded-For": address, **headers}
    return httpx.AsyncClient(base_url=url, headers=sent, trust_env=False, timeout=20)


@pytest.mark.usefixtures("_early_in_the_minute")
async def test_two_processes_together_admit_exactly_the_limit_of_one_token(
    system: System, limited: tuple[str, str]
) -> None:
    token = f"Bearer {system.token('limited-ann')}"
    clients = [
        from_address(url, f"198.51.100.{n}", Authorization=token)
        for n, url in enumerate(limited * 5)
    ]
    asked = [client.get("/v1/runs") for client in clients for _ in range(5)]

    answers = await asyncio.gather(*asked)
    for client in clients:
        await client.aclose()

    assert Counter(a.status_code for a in answers) == {200: LIMIT, 429: 50 - LIMIT}
    assert {a.headers["RateLimit-Policy"] for a in answers} == {f'"default";q={LIMIT};w=60'}
    remaining = [a.headers["RateLimit"] for a in answers if a.is_success]
    assert min(remaining).startswith('"default";r=0;t=')


@pytest.mark.usefixtures("_early_in_the_minute")
async def test_visitors_with_a_ticket_use_up_its_share_and_not_that_of_the_key_behind_it(
    limited: tuple[str, str], ada: Tenant
) -> None:
    run = await ada.run(await ada.deploy(card()))
    key = (await issue(ada, "runs:read"))["key"]

    async with (
        from_address(limited[0], "203.0.113.70") as page,
        from_address(limited[0], "203.0.113.71", Authorization=f"Bearer {key}") as owner,
    ):
        made = await owner.post(f"/v1/runs/{run['id']}/ticket", json={})
        answers = [await page.get(made.json()["links"]["self"]) for _ in range(LIMIT + 2)]
        unharmed = await owner.get(f"/v1/runs/{run['id']}")

    assert Counter(answer.status_code for answer in answers) == {200: LIMIT, 429: 2}
    assert unharmed.status_code == 200


@pytest.mark.usefixtures("_early_in_the_minute")
async def test_a_refusal_is_told_in_both_dialects_and_to_browsers(
    system: System, limited: tuple[str, str]
) -> None:
    headers = {
        "Authorization": f"Bearer {system.token('limited-bea')}",
        "Origin": "https://a.example",
    }
    async with from_address(limited[0], "198.51.100.77", **headers) as http:
        for _ in range(LIMIT):
            await http.get("/v1/runs")
        native = await http.get("/v1/runs", headers={"Accept-Language": "zh"})
        classic = await http.get(f"/api/status/{MISSING}")

    told = native.json()
    assert (native.status_code, told["code"], told["title"]) == (
        429,
        "rate_limited",
        "请求过于频繁。",
    )
    assert told["errors"][0]["code"] == "rate_limit_reached"
    assert native.headers["Content-Type"] == "application/problem+json"
    assert classic.status_code == 429
    assert re.fullmatch(
        rf"at most {LIMIT} requests a minute are allowed; retry in \d+ s", classic.json()["error"]
    )
    for answer in (native, classic):
        seconds = int(answer.headers["Retry-After"])
        assert 1 <= seconds <= 60
        assert answer.headers["RateLimit"] == f'"default";r=0;t={seconds}'
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        exposed = answer.headers["Access-Control-Expose-Headers"]
        assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed.split(", "))


@pytest.mark.usefixtures("_early_in_the_minute")
async def test_guessing_tokens_is_limited_by_address(limited: tuple[str, str]) -> None:
    wrong = {"Authorization": "Bearer guessed"}
    async with (
        from_address(limited[0], "203.0.113.5", **wrong) as one,
        from_address(limited[1], "203.0.113.5", **wrong) as same,
        from_address(limited[0], "203.0.113.6", **wrong) as other,
    ):
        asked = [http.get("/v1/runs") for http in (one, same) for _ in range(20)]
        answers = await asyncio.gather(*asked)
        elsewhere = await other.get("/v1/runs")

    assert Counter(a.status_code for a in answers) == {401: 2 * LIMIT, 429: 20}
    assert {a.headers["RateLimit-Policy"] for a in answers} == {f'"address";q={2 * LIMIT};w=60'}
    assert elsewhere.status_code == 401


async def test_an_address_that_nobody_vouches_for_does_not_count(ada: Tenant) -> None:
    before = await ada.http.get("/v1/runs", headers={"X-Forwarded-For": "203.0.113.9"})
    without_token = {"Authorization": "", "X-Forwarded-For": "203.0.113.9"}
    first = await ada.http.get("/v1/runs", headers=without_token)
    without_token["X-Forwarded-For"] = "203.0.113.10"
    second = await ada.http.get("/v1/runs", headers=without_token)

    left = [int(a.headers["RateLimit"].split(";")[1].removeprefix("r=")) for a in (first, second)]
    assert before.is_success
    assert left[1] < left[0]  # one and the same address: the socket's


@pytest.mark.usefixtures("_early_in_the_minute")
async def test_without_postgres_each_process_goes_on_counting(system: System) -> None:
    nobody = f"postgresql://{LOOPBACK}:{free_port()}/gone"
    url = system.start_another_api("api-alone", COMFYD_RATE_LIMIT="5", POSTGRES_URL=nobody)
    await system.until_ready(url)
    async with client_of(system, "limited-cleo", url=url) as http:
        answers = [await http.get(f"/v1/runs/{MISSING}") for _ in range(8)]
    log = system.log_of("api-alone")
    system.end("api-alone")

    assert [a.status_code for a in answers] == [404] * 5 + [429] * 3
    assert "rate_limit.counting_alone" in log
