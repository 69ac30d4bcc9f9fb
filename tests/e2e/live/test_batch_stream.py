"""The stream of a batch: every event of every run once, in order, resumed where it broke off."""

import asyncio
import time

from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from tests.e2e.batches import Json, colours, counted, done, make
from tests.e2e.graphs import card, slow
from tests.e2e.sse import Message, following_at
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, client_of


async def whole(ada: Tenant, batch: Json, *, after: str = "0") -> list[Message]:
    async with following_at(ada.http, batch["links"]["events"], after=after) as stream:
        return await stream.rest()


def told(messages: list[Message]) -> list[Message]:
    """Leave out the counts, which nobody can ask for again."""
    return [message for message in messages if message.event != "batch"]


async def in_log(log: JetStreamEventStore, batch: Json) -> list[int]:
    """Return the position of every event of a batch's runs."""
    runs = [await log.read(f"run-{run_id}") for run_id in batch["runs"]]
    return sorted(event.position for events in runs for event in events)


def positions(messages: list[Message]) -> list[int]:
    return [int(message.id or "") for message in messages]


async def test_a_followed_batch_shows_a_snapshot_every_event_and_its_counts_to_the_end(
    ada: Tenant, log: JetStreamEventStore
) -> None:
    made = await make(ada, await ada.deploy(card()), colours(8))

    async with following_at(ada.http, made["links"]["events"]) as stream:
        seen = await stream.rest()
    after = await ada.http.get(made["links"]["self"])

    snapshot, *events, end = told(seen)
    counts = [message.data for message in seen if message.event == "batch"]
    start = int(snapshot.id or "")
    assert (snapshot.event, snapshot.data["id"]) == ("snapshot", made["id"])
    assert positions(events) == [p for p in await in_log(log, made) if p > start]
    assert (end.event, end.data["counts"]) == ("done", counted(success=8))
    assert end.id == events[-1].id
    assert all(message.id is None for message in seen if message.event == "batch")
    assert (counts[-1]["status"], counts[-1]["counts"]) == ("done", counted(success=8))
    # Whoever was told the end is not told anything older by the other doors.
    assert (after.json()["status"], after.json()["counts"]) == ("done", counted(success=8))


async def test_the_stream_from_the_start_holds_the_stories_of_all_runs(
    ada: Tenant, log: JetStreamEventStore
) -> None:
    made = await make(ada, await ada.deploy(card()), colours(5))
    await done(ada, made["id"])

    story = told(await whole(ada, made))

    assert positions(story[:-1]) == await in_log(log, made)
    for run_id in made["runs"]:
        async with following_at(ada.http, f"/v1/runs/{run_id}/events", after="0") as stream:
            alone = [message for message in await stream.rest() if message.event != "done"]
        assert [m for m in story[:-1] if m.data["run_id"] == run_id] == alone


async def test_a_client_that_comes_back_at_any_place_receives_exactly_what_it_missed(
    ada: Tenant,
) -> None:
    made = await make(ada, await ada.deploy(card()), colours(3))
    await done(ada, made["id"])
    story = told(await whole(ada, made))

    for index in range(0, len(story) - 2, 3):
        last = story[index].id or ""
        path = made["links"]["events"]
        async with following_at(ada.http, path, last_event_id=last) as stream:
            assert told(await stream.rest()) == story[index + 1 :]


async def test_a_client_that_keeps_breaking_off_in_the_middle_misses_nothing(
    ada: Tenant,
) -> None:
    made = await make(ada, await ada.deploy(card()), colours(10, 500))

    seen: list[Message] = []
    while not seen or seen[-1].event != "done":
        last = (seen[-1].id if seen else "0") or ""
        path = made["links"]["events"]
        async with following_at(ada.http, path, last_event_id=last) as stream:
            if stream.answer.status_code == 204:
                break  # it broke off between the last event and `done`, which has the same id
            for _ in range(7):
                message = await stream.next()
                seen += told([message])
                if message.event == "done":
                    break

    *events, end = told(await whole(ada, made))
    assert seen in ([*events, end], events)


async def test_after_the_end_there_is_no_content(ada: Tenant) -> None:
    made = await make(ada, await ada.deploy(card()), colours(2))
    await done(ada, made["id"])
    last = (await whole(ada, made))[-1].id or ""

    answer = await ada.http.get(made["links"]["events"], headers={"Last-Event-ID": last})
    async with following_at(ada.http, made["links"]["events"]) as stream:
        anew = [message.event for message in await stream.rest()]

    assert (answer.status_code, answer.content) == (204, b"")
    assert anew == ["snapshot", "done"]


async def test_counts_come_at_most_four_times_a_second(ada: Tenant) -> None:
    made = await make(ada, await ada.deploy(card()), colours(30, 900))

    began = time.monotonic()
    seen = await whole(ada, made)
    duration = time.monotonic() - began

    assert 1 <= sum(message.event == "batch" for message in seen) <= 4 * duration + 2


async def test_a_batch_is_followed_through_any_api(system: System, ada: Tenant) -> None:
    deployment = await ada.deploy(card())
    # As behind a proxy: the URLs of files do not depend on which of them says it.
    url = system.start_another_api("api-follow", COMFYD_PUBLIC_URL=system.url)
    await system.until_ready(url)
    async with client_of(system, "ada", url=url) as http:
        made = await make(ada, deployment, colours(6, 300))
        there, here = await asyncio.gather(whole(Tenant(http, ""), made), whole(ada, made))
    system.end("api-follow")

    assert told(there) == told(here)


async def test_a_stop_of_the_api_ends_the_stream_which_goes_on_elsewhere(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(slow())
    url = system.start_another_api("api-stops")
    await system.until_ready(url)
    made = await make(ada, deployment, [{"seed": 8100 + n, "seconds": 2} for n in range(2)])
    async with (
        client_of(system, "ada", url=url) as http,
        following_at(http, made["links"]["events"], after="0") as stream,
    ):
        seen = [await stream.next()]
        began = time.monotonic()
        await asyncio.to_thread(system.end, "api-stops")
        seen += await stream.rest()
        stopped_after = time.monotonic() - began
    rest = await whole(ada, made, after=told(seen)[-1].id or "")

    assert stopped_after < 5
    assert seen[-1].event != "done"
    assert told(seen) + told(rest) == told(await whole(ada, made))


async def test_cancelling_is_told_in_the_stream(ada: Tenant) -> None:
    made = await make(ada, await ada.deploy(slow()), [{"seed": 8200 + n} for n in range(3)])

    async with following_at(ada.http, made["links"]["events"]) as stream:
        await stream.next()
        await ada.http.post(made["links"]["cancel"])
        seen = await stream.rest()

    assert seen[-1].data["counts"] == counted(cancelled=3)
    assert [m for m in seen if m.event == "batch"][-1].data["cancel_requested"] is True


async def test_a_stranger_is_told_that_there_is_no_batch(ada: Tenant, bob: Tenant) -> None:
    made = await make(ada, await ada.deploy(card()), colours(1))

    async with following_at(bob.http, made["links"]["events"]) as stream:
        status = stream.answer.status_code

    assert status == 404


async def test_ten_clients_have_one_reader_of_the_log_and_it_ends_with_them(
    system: System, impatient: str, ada: Tenant, nats: Client
) -> None:
    made = await make(ada, await ada.deploy(slow()), [{"seed": 8300}])
    host, port = impatient.removeprefix("http://").split(":")
    request = (
        f"GET {made['links']['events']} HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {system.token('ada')}\r\n\r\n"
    )
    clients = [await asyncio.open_connection(host, int(port)) for _ in range(10)]
    for reader, writer in clients:
        writer.write(request.encode())
        async with asyncio.timeout(20):
            await reader.readuntil(b": still here\n")
    during = await _readers(nats)

    for _, writer in clients:
        writer.transport.abort()

    async def some_are_gone() -> set[str]:
        return during - await _readers(nats)

    gone = await eventually(some_are_gone, within=10)
    assert len(gone) == 1
    await ada.http.post(made["links"]["cancel"])
    await done(ada, made["id"])


async def _readers(nats: Client) -> set[str]:
    """Return the names of the consumers that somebody reads the log with, and keeps nothing in."""
    found = await api(nats, "CONSUMER.LIST.RUNS", {}, within=5)
    assert found["total"] <= found["limit"]
    return {one["name"] for one in found["consumers"] if "durable_name" not in one["config"]}
