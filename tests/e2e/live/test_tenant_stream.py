"""One stream of all that happens to a tenant, and one of what has changed, for many at once."""

import asyncio
import time
from contextlib import AsyncExitStack

from app.live.broadcaster import LINGER
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from tests.e2e.batches import colours, done, make
from tests.e2e.graphs import card
from tests.e2e.sse import following_at
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, run_uuid
from tests.e2e.tenant_events import client_of_key, following_events, names, whole


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
            # Readers of other tests may still go.
            return await _readers(nats) <= before + 1

        await all_hear()
        # Once all have caught up, some of them from the very beginning.
        await eventually(one_more, within=20)
        await all_hear()
        await eventually(one_more, within=20)

    async def gone() -> bool:
        return await _readers(nats) <= before

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
