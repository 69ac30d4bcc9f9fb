"""One stream of all that happens to a tenant: whole, resumed anywhere, and nothing of another's."""

import asyncio
import json
import re
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.live.broadcaster import LINGER
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from tests.e2e.batches import colours, done, make
from tests.e2e.graphs import card
from tests.e2e.keys import bearer, issue
from tests.e2e.sse import Message, Stream, following_at
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, client_of, run_uuid

PAGE = Path(__file__).parents[3] / "docs" / "follow-a-run.md"


@pytest.fixture
async def eve(system: System) -> AsyncIterator[Tenant]:
    """Yield a tenant of this test's own: nothing else happens to it."""
    async with client_of(system, f"eve-{uuid4().hex[:8]}") as http:
        yield Tenant(http, system.machine_url)


@asynccontextmanager
async def following_events(
    http: httpx.AsyncClient, *, path: str = "/v1/events", **params: Any
) -> AsyncIterator[Stream]:
    query = str(httpx.QueryParams(params))
    async with following_at(http, f"{path}?{query}" if query else path) as stream:
        yield stream


async def whole(http: httpx.AsyncClient, **params: Any) -> list[Message]:
    """Return every event that there is."""
    async with following_events(http, follow="false", **({"after": "0"} | params)) as stream:
        assert stream.answer.status_code == 200, await stream.answer.aread()
        first, *events, last = await stream.rest()
    assert (first.event, last.event) == ("position", "position")
    return events


def names(messages: list[Message]) -> list[str]:
    return [message.event for message in messages]


async def test_the_stream_holds_all_that_happened_in_the_order_of_the_log(
    eve: Tenant, log: JetStreamEventStore
) -> None:
    run = await eve.run(await eve.deploy(card()))
    machine = (await eve.http.get("/v1/machines")).json()["data"][0]["id"]
    await eve.http.post(f"/v1/machines/{machine}/drain")

    story = await whole(eve.http)

    of_run = [message for message in story if "run_id" in message.data]
    async with following_at(eve.http, f"/v1/runs/{run['id']}/events", after="0") as stream:
        assert of_run == [m for m in await stream.rest() if m.event != "done"]
    stored = await log.read(f"run-{run_uuid(run)}")
    assert [int(m.id or "") for m in of_run] == [event.position for event in stored]
    others = [name for name in names(story) if not name.startswith("run.")]
    assert set(others) >= {
        "machine.registered",
        "workflow.created",
        "workflow.version_created",
        "deployment.promoted",
        "machine.drained",
    }
    positions = [int(message.id or "") for message in story]
    assert positions == sorted(set(positions))


async def test_a_client_is_sent_what_it_asks_for(eve: Tenant) -> None:
    first, second = [await eve.deploy(card(), name=name) for name in ("first", "second")]
    runs = [(await eve.run(deployment))["id"] for deployment in (first, second)]

    ends = await whole(eve.http, type="run.status_changed", deployment_id=second)
    both = await whole(eve.http, type=["run.created", "deployment"])
    one = await whole(eve.http, run_id=runs[0])
    refused = await eve.http.get("/v1/events", params={"type": "run.creatd", "follow": "false"})

    assert {m.data["run_id"] for m in ends} == {runs[1]}
    assert ends[-1].data["status"] == "success"
    assert sorted(names(both)) == ["deployment.promoted"] * 2 + ["run.created"] * 2
    assert {m.data["run_id"] for m in one} == {runs[0]}
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert refused.json()["errors"][0]["pointer"] == "/type"


async def test_what_happens_is_told_at_once_with_a_position_before_it(eve: Tenant) -> None:
    deployment = await eve.deploy(card())
    async with following_events(eve.http, type="run") as stream:
        first = await stream.next()
        run = await eve.start(deployment)
        created = await stream.next()

    assert first.event == "position"
    assert int(first.id or "") == int(first.data["position"]) < int(created.id or "")
    assert (created.event, created.data["run_id"]) == ("run.created", run)


async def test_nothing_of_another_tenant_is_in_it(eve: Tenant, ada: Tenant) -> None:
    run = await ada.run(await ada.deploy(card()))
    assert await whole(eve.http) == []
    assert await whole(eve.http, run_id=run["id"]) == []
    async with following_events(eve.http, after=0, follow="false", path="/v1/changes") as stream:
        text = str([m.data for m in await stream.rest()])
    assert run["id"] not in text


async def test_a_key_for_some_deployments_sees_these_alone(eve: Tenant) -> None:
    mine, beside = [await eve.deploy(card(), name=name) for name in ("mine", "beside")]
    key = bearer((await issue(eve, "runs:read", deployments=[mine]))["key"])
    runs = [(await eve.run(deployment))["id"] for deployment in (beside, mine)]
    batch = await make(eve, mine, colours(1))
    await done(eve, batch["id"])
    ticket = (await eve.http.post("/v1/events/ticket", json={}, headers=key)).json()

    async with client_of_key(eve, key) as limited:
        story = await whole(limited)
        # Of a run whose birth it does not read, too.
        later = await whole(limited, after=story[2].id)
    async with httpx.AsyncClient(base_url=eve.http.base_url, trust_env=False, timeout=40) as page:
        shown = await whole(page, ticket=ticket["ticket"])
    for_another = await eve.http.post(
        "/v1/events/ticket", json={"deployment_ids": [beside]}, headers=key
    )

    assert {m.data["run_id"] for m in story if "run_id" in m.data} == {runs[1], *batch["runs"]}
    assert {m.event for m in story if "run_id" not in m.data} == {
        "deployment.promoted",
        "batch.created",
        "batch.started",
    }
    assert later == story[3:]
    assert shown == story
    assert for_another.status_code == 404


@asynccontextmanager
async def client_of_key(
    tenant: Tenant, headers: Mapping[str, str], *, url: str = ""
) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client with another credential, or at another process."""
    base, sent = url or tenant.http.base_url, {"Authorization": headers["Authorization"]}
    async with httpx.AsyncClient(base_url=base, headers=sent, timeout=20, trust_env=False) as http:
        yield http


async def test_credentials_are_shown_to_admins_alone(eve: Tenant) -> None:
    await eve.deploy(card())
    reader = bearer((await issue(eve, "runs:read"))["key"])
    deployer = bearer((await issue(eve, "deploy"))["key"])
    writer = bearer((await issue(eve, "runs:write"))["key"])

    async with client_of_key(eve, reader) as http:
        of_reader = await whole(http)
    async with client_of_key(eve, deployer) as http:
        of_deployer = await whole(http)
    async with client_of_key(eve, writer) as http:
        refused = await http.get("/v1/events")

    kinds = {name.partition(".")[0] for name in names(of_reader)}
    assert kinds == {"machine", "workflow", "deployment"}
    # A machine may have been looked at meanwhile.
    assert of_deployer[: len(of_reader)] == of_reader
    assert names(await whole(eve.http)).count("key.issued") == 3
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


async def test_what_is_erased_is_in_no_stream(eve: Tenant) -> None:
    run = await eve.run(await eve.deploy(card()))
    before = json.dumps([m.data for m in await whole(eve.http)])
    file = run["outputs"][0]["filename"]
    await eve.http.post(f"/v1/runs/{run['id']}/erase")

    after = await whole(eve.http)

    assert file in before
    assert file not in json.dumps([m.data for m in after])
    assert "run.data_erased" in names(after)


async def test_nothing_is_missed_and_nothing_comes_twice_when_the_api_is_killed(
    system: System, eve: Tenant
) -> None:
    """kill -9 in the middle; then the client goes on at another process with the last id."""
    urls = [
        # As behind a proxy: what they say does not depend on which of them says it.
        system.start_another_api(name, COMFYD_PUBLIC_URL=system.url)
        for name in ("killed-of-events", "other-of-events")
    ]
    for url in urls:
        await system.until_ready(url)
    batch = await make(eve, await eve.deploy(card()), colours(40, 700))
    seen: list[Message] = []
    async with (
        client_of_key(eve, eve.http.headers, url=urls[0]) as http,
        following_events(http, after=0) as stream,
    ):
        seen += [await stream.next() for _ in range(60)]
        system.kill("killed-of-events")
        with suppress(httpx.HTTPError):
            while True:
                seen.append(await stream.next())
    async with (
        client_of_key(eve, eve.http.headers, url=urls[1]) as http,
        following_at(http, "/v1/events", last_event_id=seen[-1].id or "") as stream,
    ):
        ends = {m.data["run_id"] for m in seen if is_end(m)}
        while len(ends) < len(batch["runs"]):
            seen.append(await stream.next())
            ends |= {seen[-1].data["run_id"]} if is_end(seen[-1]) else set()
    system.end("other-of-events")

    story = await whole(eve.http)
    told = [message for message in seen if message.event != "position"]
    assert told == story[: len(told)]
    assert [message for message in story[len(told) :] if "run_id" in message.data] == []


def is_end(message: Message) -> bool:
    return message.event == "run.status_changed" and message.data["status"] == "success"


async def test_a_client_that_reads_slowly_is_waited_for_and_misses_nothing(eve: Tenant) -> None:
    """More happens than fits into the buffers of its connection, and then it begins to read."""
    deployment = await eve.deploy(card())
    host, port = eve.http.base_url.host, eve.http.base_url.port
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.settimeout(0)
    await asyncio.get_running_loop().sock_connect(slow, (host, port))
    reader, writer = await asyncio.open_connection(sock=slow, limit=4096)
    credential = eve.http.headers["Authorization"]
    head = "GET /v1/events?after=0 HTTP/1.0\r\n"
    writer.write(f"{head}Host: {host}:{port}\r\nAuthorization: {credential}\r\n\r\n".encode())
    await reader.readuntil(b"event: position\n")
    batch = await make(eve, deployment, colours(30, 900))
    await done(eve, batch["id"])

    story = await whole(eve.http)
    read = b""
    while b"\nid: %s\n" % (story[-1].id or "").encode() not in read:
        async with asyncio.timeout(20):
            read += await reader.read(4096)
    writer.transport.abort()

    ids = [m.decode() for m in re.findall(rb"\nid: (\d+)\nevent: (?!position)", read)]
    assert ids == [message.id for message in story]


async def test_the_header_counts_more_than_the_address_and_the_future_is_now(eve: Tenant) -> None:
    """A browser that comes back asks for the same address, with the last id in a header."""
    await eve.run(await eve.deploy(card()))
    story = await whole(eve.http)
    path, head = "/v1/events?after=0&follow=false", int(story[-1].id or "")

    async with following_at(eve.http, path, last_event_id=story[2].id or "") as stream:
        resumed = await stream.rest()
    async with following_events(eve.http, after=10**15, follow="false") as stream:
        first, *others = await stream.rest()
    refused = [
        await eve.http.get("/v1/events?follow=false", headers={"Last-Event-ID": "yesterday"}),
        await eve.http.get("/v1/changes?follow=false&after=-1"),
    ]

    assert [m for m in resumed if m.event != "position"][: len(story) - 3] == story[3:]
    # It begins where the log ends; what happens meanwhile (to a machine) has a place behind it.
    assert head <= int(first.id or "") < 10**15
    assert "run.created" not in names(others)
    assert [answer.status_code for answer in refused] == [400, 400]
    assert {answer.json()["errors"][0]["code"] for answer in refused} == {"bad_position"}


async def test_the_program_of_the_page_misses_nothing_though_it_is_killed(
    system: System, eve: Tenant, tmp_path: Path
) -> None:
    [program] = re.findall(r"```python\n(# follow\.py\n.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "follow.py").write_text(program)
    key = (await issue(eve, "runs:read"))["key"]
    deployment = await eve.deploy(card())
    printed: list[str] = []
    for _ in range(2):
        run = await eve.run(deployment)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "follow.py"),
            cwd=tmp_path,
            env={"API": system.url, "KEY": key},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(30):
            while not (printed and run["id"] in printed[-1] and "'success'" in printed[-1]):
                printed.append((await process.stdout.readline()).decode().rstrip())
        # It has kept the position of what it has printed before, at least.
        process.kill()
        await process.wait()

    async with client_of_key(eve, bearer(key)) as http:
        story = [f"{message.event} {message.data}" for message in await whole(http)]
    facts = [line for line in printed if not line.startswith("position ")]
    once = list(dict.fromkeys(facts))
    assert once == story[: len(once)]
    # What was printed and not kept yet is printed again: at most the last.
    assert len(facts) <= len(once) + 1


async def test_changes_are_ids_and_come_at_most_twice_a_second(eve: Tenant) -> None:
    deployment = await eve.deploy(card())
    loop = asyncio.get_running_loop()
    async with following_events(eve.http, path="/v1/changes") as stream:
        assert (await stream.next()).event == "position"
        batch = await make(eve, deployment, colours(20, 800))
        changed: dict[str, set[str]] = {"run": set(), "batch": set()}
        began, received = loop.time(), 0
        while not (set(batch["runs"]) <= changed["run"] and batch["id"] in changed["batch"]):
            message = await stream.next()
            assert (message.event, message.data["everything"]) == ("changes", False)
            received += 1
            for kind, ids in message.data["ids"].items():
                assert len(ids) == len(set(ids))
                changed.setdefault(kind, set()).update(ids)
        duration = loop.time() - began

    assert received <= 2 * duration + 2
    await done(eve, batch["id"])


async def test_a_page_that_was_open_over_a_restart_of_the_api_learns_what_changed_meanwhile(
    system: System, eve: Tenant
) -> None:
    deployment = await eve.deploy(card())
    async with following_events(eve.http, path="/v1/changes") as stream:
        last = (await stream.next()).id or ""
    run = await eve.run(deployment)
    url = system.start_another_api("started-anew")
    await system.until_ready(url)
    async with (
        client_of_key(eve, eve.http.headers, url=url) as http,
        following_at(http, "/v1/changes", last_event_id=last) as stream,
    ):
        first, changes = await stream.next(), [await stream.next()]
        while int(changes[-1].id or "") < int(run["position"]):
            changes.append(await stream.next())
        # What the page reads now is not older.
        listed = (await http.get("/v1/runs")).json()["data"]
    system.end("started-anew")

    assert (first.event, first.id) == ("position", last)
    assert not any(message.data["everything"] for message in changes)
    assert {run["id"]} == {
        changed for message in changes for changed in message.data["ids"].get("run", ())
    }
    assert [(each["id"], each["status"]) for each in listed] == [(run["id"], "success")]


async def test_many_clients_have_one_reader_of_the_log(
    impatient: str, eve: Tenant, nats: Client
) -> None:
    await eve.deploy(card())
    host, port = impatient.removeprefix("http://").split(":")
    before = await _readers_at_rest(nats)
    async with AsyncExitStack() as exits:
        clients = []
        for index in range(30):
            path = "/v1/events?after=0" if index % 2 else "/v1/changes"
            reader, writer = await asyncio.open_connection(host, int(port))
            exits.callback(writer.transport.abort)
            credential = eve.http.headers["Authorization"]
            head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {credential}\r\n\r\n"
            writer.write(head.encode())
            clients.append((reader, writer))

        async def all_hear() -> None:
            for reader, _ in clients:
                async with asyncio.timeout(20):
                    await reader.readuntil(b"event: position\n")

        async def one_more() -> bool:
            return await _readers(nats) == before + 1

        await all_hear()
        # Once all have caught up, some of them from the very beginning.
        await eventually(one_more, within=20)
        await all_hear()
        await eventually(one_more, within=20)

    async def gone() -> bool:
        return await _readers(nats) == before

    await eventually(gone, within=20)


async def _readers_at_rest(nats: Client) -> int:
    """Return how many read the log once those that linger have gone."""
    number, since = await _readers(nats), time.monotonic()

    async def at_rest() -> bool:
        nonlocal number, since
        if (now := await _readers(nats)) != number:
            number, since = now, time.monotonic()
        return time.monotonic() - since > 2 * LINGER

    await eventually(at_rest, within=20)
    return number


async def _readers(nats: Client) -> int:
    """Return with how many consumers the log is read, of those of which nothing is kept.

    They are counted, not named: a process that lost its place may begin anew at any time.
    """
    found = await api(nats, "CONSUMER.LIST.RUNS", {}, within=5)
    assert found["total"] <= found["limit"]
    return sum("durable_name" not in one["config"] for one in found["consumers"])
