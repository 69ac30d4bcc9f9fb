"""API keys: shown once, limited, revoked at once, and never in the log."""

import time
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest

from infra.jetstream.event_store import JetStreamEventStore
from tests.e2e.graphs import MISSING, card, slow
from tests.e2e.keys import SOON, Json, bearer, issue
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, client_of


async def test_a_key_works_in_both_dialects_and_says_who_acted(
    ada: Tenant, log: JetStreamEventStore
) -> None:
    issued = await issue(ada, "runs:write", "runs:read")
    deployment = await ada.deploy(card())
    headers = bearer(issued["key"])

    native = await ada.http.post("/v1/runs", json={"deployment_id": deployment}, headers=headers)
    classic = await ada.http.post("/api/run", json={"deployment_id": deployment}, headers=headers)

    assert (native.status_code, classic.status_code) == (202, 200)
    assert (await ada.read(classic.json()["run_id"]))["deployment_id"] == deployment
    created = (await log.read(f"run-{native.json()['id']}"))[0]
    assert (created.meta.tenant, created.meta.actor) == ("user:ada", f"key:{issued['id']}")


async def test_a_key_is_shown_once_and_never_kept(ada: Tenant, log: JetStreamEventStore) -> None:
    issued = await issue(ada, "runs:read")

    listed = await eventually(partial(listed_key, ada, issued["id"]))
    events = await log.read(f"key-{issued['id']}")

    assert issued["key"].startswith(issued["prefix"])
    assert "key" not in listed
    assert issued["key"] not in repr(events)
    assert listed["last_used_at"] is None


async def listed_key(tenant: Tenant, key_id: str) -> Json | None:
    found = (await tenant.http.get("/v1/keys?limit=100")).json()["data"]
    return next((key for key in found if key["id"] == key_id), None)


async def test_the_last_use_is_told(ada: Tenant) -> None:
    issued = await issue(ada, "runs:read")
    before = datetime.now(UTC) - timedelta(seconds=1)
    await ada.http.get("/v1/runs", headers=bearer(issued["key"]))

    async def used() -> datetime | None:
        key = await listed_key(ada, issued["id"])
        return datetime.fromisoformat(key["last_used_at"]) if key and key["last_used_at"] else None

    assert before <= await eventually(used) <= datetime.now(UTC) + timedelta(seconds=1)


async def test_every_process_knows_of_a_revocation_within_a_second(
    system: System, ada: Tenant
) -> None:
    url = system.start_another_api("another api")
    await system.until_ready(url)
    issued = await issue(ada, "runs:read")
    headers = bearer(issued["key"])
    async with httpx.AsyncClient(
        base_url=url, headers=headers, trust_env=False, timeout=40
    ) as elsewhere:
        assert (await elsewhere.get("/v1/runs")).status_code == 200
        revoked = await ada.http.delete(f"/v1/keys/{issued['id']}")
        told = time.monotonic()
        here = await ada.http.get("/v1/runs", headers=headers)
        # What is asked before the second is over may still be answered; nothing after it is.
        answer = await elsewhere.get("/v1/runs")
        while answer.status_code == 200:
            asked = time.monotonic()
            answer = await elsewhere.get("/v1/runs")
            assert answer.status_code == 401 or asked - told < SOON
    system.end("another api")

    assert revoked.status_code == 204
    assert {here.status_code, answer.status_code} == {401}
    assert {here.json()["code"], answer.json()["code"]} == {"key_revoked"}
    assert (await ada.http.delete(f"/v1/keys/{issued['id']}")).status_code == 204


async def test_a_key_ends_when_its_time_is_over(ada: Tenant) -> None:
    end = datetime.now(UTC) + timedelta(seconds=1)
    issued = await issue(ada, "runs:read", expires_at=end.isoformat())
    assert (await ada.http.get("/v1/runs", headers=bearer(issued["key"]))).status_code == 200

    async def refused() -> httpx.Response | None:
        answer = await ada.http.get("/v1/runs", headers=bearer(issued["key"]))
        return answer if answer.status_code == 401 else None

    answer = await eventually(refused, within=5)
    assert datetime.now(UTC) >= end
    assert answer.json()["code"] == "key_expired"


async def test_an_unknown_key_and_a_wrong_secret_are_told_the_same(ada: Tenant) -> None:
    issued = await issue(ada, "runs:read")
    last = "A" if issued["key"][-1] != "A" else "B"
    wrong = issued["key"][:-1] + last
    unknown = "cfd_" + "A" * 64

    answers = [
        await ada.http.get("/v1/runs", headers=bearer(key))
        for key in (wrong, unknown, "cfd_short", issued["key"] + "A")
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.content for answer in answers} == {answers[0].content}
    assert answers[0].json()["code"] == "unauthorized"


async def test_a_stream_ends_when_its_key_is_revoked(ada: Tenant) -> None:
    issued = await issue(ada, "runs:read")
    run = await ada.start(await ada.deploy(slow(5.0)))
    path = f"/v1/runs/{run}/events"
    seen: list[str] = []
    async with ada.http.stream("GET", path, headers=bearer(issued["key"])) as stream:
        assert stream.status_code == 200
        async for line in stream.aiter_lines():
            if not seen:
                await ada.http.delete(f"/v1/keys/{issued['id']}")
            seen.append(line)
    await ada.cancel(run)

    assert "event: done" not in seen


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["runs"]}, "/scopes/0"),
        ({"scopes": ["admin"], "deployments": [MISSING]}, "/scopes"),
        ({"scopes": ["runs:read"], "deployments": ["mine"]}, "/deployments/0"),
        ({"scopes": ["runs:read"], "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"scopes": ["runs:read"], "expires_at": "2999-01-01T00:00:00"}, "/expires_at"),
    ],
)
async def test_a_key_that_cannot_be_is_refused(ada: Tenant, body: Json, pointer: str) -> None:
    answer = await ada.http.post("/v1/keys", json={"name": "no", **body})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_key_for_some_deployments_knows_of_no_other(ada: Tenant, bob: Tenant) -> None:
    mine, other = await ada.deploy(card()), await ada.deploy(card(), name="other")
    issued = await issue(ada, "runs:read", "runs:write", deployments=[mine])
    seen, hidden = await ada.start(mine), await ada.start(other)
    await eventually(partial(listed_run, ada, hidden))
    headers = bearer(issued["key"])

    async def status(method: str, path: str, body: Json | None = None, **more: str) -> int:
        sent = headers | more
        return (await ada.http.request(method, path, json=body, headers=sent)).status_code

    runs = (await ada.http.get("/v1/runs?limit=100", headers=headers)).json()["data"]
    theirs = {"deployment_id": other, "inputs": {}}
    await ada.http.post("/v1/runs", json=theirs, headers={"Idempotency-Key": "kept for others"})

    listed = (await ada.http.get("/v1/deployments?limit=100", headers=headers)).json()["data"]
    assert {run["deployment_id"] for run in runs} == {mine}
    assert [deployment["id"] for deployment in listed] == [mine]
    assert await status("GET", f"/v1/runs/{seen}") == 200
    assert await status("POST", "/v1/runs", {"deployment_id": mine}) == 202
    for method, path in [
        ("GET", f"/v1/runs/{hidden}"),
        ("GET", f"/v1/runs/{hidden}/events"),
        ("POST", f"/v1/runs/{hidden}/cancel"),
        ("GET", f"/api/status/{hidden}"),
        ("GET", f"/v1/deployments/{other}"),
        ("GET", "/v1/workflows"),
        ("GET", "/v1/machines"),
    ]:
        assert await status(method, path) == 404, path
    assert await status("POST", "/v1/runs", theirs) == 404
    # The answer to a repeat would be a run of the other deployment.
    repeat = {"Idempotency-Key": "kept for others"}
    assert await status("POST", "/v1/runs", theirs, **repeat) == 404
    foreign = await bob.http.post(
        "/v1/keys", json={"name": "x", "scopes": ["runs:read"], "deployments": [mine]}
    )
    assert foreign.status_code == 404


async def listed_run(tenant: Tenant, run_id: str) -> bool:
    runs = (await tenant.http.get("/v1/runs?limit=100")).json()["data"]
    return any(run["id"] == run_id for run in runs)


async def test_keys_of_another_tenant_are_not_found(system: System, ada: Tenant) -> None:
    issued = await issue(ada, "admin")
    async with client_of(system, "mallory") as stranger:
        answer = await stranger.delete(f"/v1/keys/{issued['id']}")
        listed = (await stranger.get("/v1/keys")).json()["data"]

    assert (answer.status_code, listed) == (404, [])
    assert (await ada.http.get("/v1/keys", headers=bearer(issued["key"]))).status_code == 200
