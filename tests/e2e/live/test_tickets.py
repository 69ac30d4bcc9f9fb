"""Tickets: a page follows one run or one batch with what may be shown to anybody who sees it."""

import time
from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest

from tests.e2e.batches import make
from tests.e2e.graphs import MISSING, card, slow
from tests.e2e.keys import SOON, bearer, issue
from tests.e2e.sse import following_at
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant
from tests.observe.described import check_described


async def ticket_for(tenant: Tenant, path: str, **headers: str) -> Json:
    answer = await tenant.http.post(f"{path}/ticket", json={}, headers=headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def refusal(page: httpx.AsyncClient, path: str) -> httpx.Response | None:
    answer = await page.get(path)
    return answer if answer.is_error else None


@pytest.fixture
async def page(system: System) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client that has no credential, as a page has none."""
    async with httpx.AsyncClient(
        base_url=system.url,
        trust_env=False,
        timeout=20,
        event_hooks={"response": [check_described]},
    ) as http:
        yield http


async def test_a_page_reads_and_follows_the_run_of_its_ticket(
    ada: Tenant, page: httpx.AsyncClient
) -> None:
    run = await ada.run(await ada.deploy(card()))
    made = await ticket_for(ada, f"/v1/runs/{run['id']}")

    shown = await page.get(made["links"]["self"])
    unchanged = await page.get(
        made["links"]["self"], headers={"If-None-Match": shown.headers["ETag"]}
    )
    async with following_at(page, made["links"]["events"]) as stream:
        seen = await stream.rest()
    after_the_end = await page.get(f"{made['links']['events']}&after={run['position']}")

    assert (shown.status_code, shown.json()) == (200, run)
    assert unchanged.status_code == 304
    assert [message.event for message in seen] == ["snapshot", "done"]
    assert after_the_end.status_code == 204


async def test_a_page_reads_and_follows_the_batch_of_its_ticket(
    ada: Tenant, page: httpx.AsyncClient
) -> None:
    made = await make(ada, await ada.deploy(card()), [{}, {}])
    links = (await ticket_for(ada, made["links"]["self"]))["links"]

    async with following_at(page, links["events"]) as stream:
        seen = await stream.rest()
    shown = await page.get(links["self"])

    assert seen[-1].event == "done"
    assert shown.json()["counts"]["success"] == 2


async def test_a_ticket_opens_nothing_else(ada: Tenant, page: httpx.AsyncClient) -> None:
    deployment = await ada.deploy(card())
    run, other = [await ada.run(deployment) for _ in range(2)]
    batch = await make(ada, deployment, [{}])
    query = {"ticket": (await ticket_for(ada, f"/v1/runs/{run['id']}"))["ticket"]}

    statuses = {
        (method, path): (await page.request(method, path, params=query, json={})).status_code
        for method, path in (
            ("GET", f"/v1/runs/{other['id']}"),
            ("GET", f"/v1/runs/{other['id']}/events"),
            ("GET", f"/v1/runs/{MISSING}"),
            ("GET", "/v1/runs/nonsense"),
            ("GET", batch["links"]["self"]),
            ("GET", batch["links"]["events"]),
            ("GET", "/v1/runs"),
            ("GET", "/v1/me"),
            ("GET", f"/v1/runs/{run['id']}/timeline"),
            ("GET", f"/api/status/{run['id']}"),
            ("POST", f"/v1/runs/{run['id']}/cancel"),
            ("POST", f"/v1/runs/{run['id']}/erase"),
            ("POST", f"/v1/runs/{run['id']}/ticket"),
            ("POST", "/v1/runs"),
        )
    }
    none = [
        await page.get(path, params={"ticket": "none"})
        for path in (f"/v1/runs/{run['id']}", f"/v1/runs/{MISSING}/events", "/v1/runs/nonsense")
    ]
    as_a_token = await page.get(f"/v1/runs/{run['id']}", headers=bearer(query["ticket"]))

    assert set(list(statuses.values())[:6]) == {404}
    assert set(list(statuses.values())[6:]) == {401}
    assert {answer.status_code for answer in (*none, as_a_token)} == {401}


async def test_only_who_may_read_a_run_makes_a_ticket_for_it(ada: Tenant, bob: Tenant) -> None:
    run = await ada.run(await ada.deploy(card()))
    writer = await issue(ada, "runs:write")
    path = f"/v1/runs/{run['id']}/ticket"

    assert (await bob.http.post(path, json={})).status_code == 404
    refused = await ada.http.post(path, json={}, headers=bearer(writer["key"]))
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


@pytest.mark.parametrize("seconds", [0, -1, 3601, "60"])
async def test_a_ticket_lasts_an_hour_at_most(ada: Tenant, seconds: object) -> None:
    answer = await ada.http.post(f"/v1/runs/{MISSING}/ticket", json={"seconds": seconds})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["errors"][0]["pointer"] == "/seconds"


async def test_a_ticket_that_is_over_says_so(ada: Tenant, page: httpx.AsyncClient) -> None:
    run = await ada.run(await ada.deploy(card()))
    made = await ada.http.post(f"/v1/runs/{run['id']}/ticket", json={"seconds": 1})

    answer = await eventually(partial(refusal, page, made.json()["links"]["self"]))

    assert (answer.status_code, answer.json()["code"]) == (401, "ticket_expired")


async def test_tickets_of_a_revoked_key_stop_counting_within_a_second_and_end_their_streams(
    system: System, ada: Tenant
) -> None:
    issued = await issue(ada, "runs:read")
    run = await ada.start(await ada.deploy(slow(60.0)))
    made = await ticket_for(ada, f"/v1/runs/{run}", **bearer(issued["key"]))
    url = system.start_another_api("other-api-of-tickets")
    await system.until_ready(url)
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as page,
        following_at(page, made["links"]["events"]) as stream,
    ):
        first = await stream.next()
        await ada.http.delete(f"/v1/keys/{issued['id']}")
        revoked_at = asked_at = time.monotonic()
        while (answer := await page.get(made["links"]["self"])).is_success:
            # What is asked before the second is over may still be answered; nothing after it is.
            assert asked_at - revoked_at < SOON
            asked_at = time.monotonic()
        seen = [first, *await stream.rest()]
    system.end("other-api-of-tickets")
    await ada.cancel(run)

    assert (answer.status_code, answer.json()["code"]) == (401, "ticket_revoked")
    assert "done" not in [message.event for message in seen]


async def test_a_key_or_token_in_an_address_is_refused_wherever_it_stands(
    system: System, ada: Tenant, page: httpx.AsyncClient
) -> None:
    run = await ada.run(await ada.deploy(card()))
    key = (await issue(ada, "admin"))["key"]
    token = system.token("ada")

    answers = [
        await http.get(path, params={name: credential})
        for http in (page, ada.http)  # also beside a header that is good
        for path in (f"/v1/runs/{run['id']}/events", f"/v1/runs/{run['id']}", "/v1/runs")
        for name, credential in (
            ("access_token", key),
            ("access_token", token),
            ("access_token", "anything"),
            ("ticket", key),
            ("ticket", token),
            ("key", key),
            ("authorization", f"Bearer {token}"),
        )
    ]

    assert {(a.status_code, a.json()["code"]) for a in answers} == {(401, "credential_in_address")}


async def test_a_page_of_another_origin_may_use_a_ticket(
    ada: Tenant, page: httpx.AsyncClient
) -> None:
    run = await ada.run(await ada.deploy(card()))
    made = await ticket_for(ada, f"/v1/runs/{run['id']}")

    for path in made["links"].values():
        answer = await page.get(path, headers={"Origin": "https://shop.example"})
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
