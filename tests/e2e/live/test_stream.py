"""The stream of a run: everything once, in order, and resumed where it broke off."""

import asyncio
import socket

from tests.e2e.graphs import card, slow
from tests.e2e.sse import Message, Stream, facts, following
from tests.e2e.system import System
from tests.e2e.tenant import Tenant


async def _whole(ada: Tenant, run_id: str, *, after: str = "0") -> list[Message]:
    async with following(ada.http, run_id, after=after) as stream:
        return await stream.rest()


async def test_a_followed_run_shows_a_snapshot_then_every_event_and_is_done(ada: Tenant) -> None:
    deployment = await ada.deploy(slow())
    run_id = await ada.start(deployment, {"seed": 401, "seconds": 1})

    async with following(ada.http, run_id) as stream:
        content_type = stream.answer.headers["Content-Type"]
        seen = await stream.rest()

    told = facts(seen)
    ids = [int(message.id or "") for message in told]
    assert content_type.startswith("text/event-stream")
    assert told[0].event == "snapshot"
    assert told[0].data["id"] == run_id
    assert told[-1].event == "done"
    assert (told[-1].data["status"], told[-1].id) == ("success", told[-2].id)
    assert ids[:-1] == sorted(set(ids[:-1]))
    assert [m for m in await _whole(ada, run_id) if int(m.id or "") > ids[0]] == told[1:]


async def test_the_stream_from_the_start_tells_the_story_of_a_run(ada: Tenant) -> None:
    run = await ada.run(await ada.deploy(card()))

    story = await _whole(ada, run["id"])

    names = [(message.event, message.data["status"]) for message in story]
    started = [name for name in names if name == ("run.status_changed", "started")]
    assert names[:2] == [("run.created", "not-started"), ("run.claimed", "queued")]
    assert len(started) == 1
    assert names[-4:] == [
        ("run.outputs_produced", "uploading"),
        ("run.image_uploaded", "uploading"),
        ("run.status_changed", "success"),
        ("done", "success"),
    ]


async def test_a_client_that_comes_back_receives_exactly_what_it_missed(ada: Tenant) -> None:
    run = await ada.run(await ada.deploy(card()))
    story = await _whole(ada, run["id"])

    for index, message in enumerate(story[:-2]):
        after = message.id or ""
        async with following(ada.http, run["id"], last_event_id=after) as stream:
            by_header = await stream.rest()
        assert by_header == story[index + 1 :]
        assert await _whole(ada, run["id"], after=after) == by_header


async def test_a_client_that_comes_back_in_the_middle_misses_nothing(ada: Tenant) -> None:
    deployment = await ada.deploy(slow())
    run_id = await ada.start(deployment, {"seed": 402, "seconds": 1})

    seen: list[Message] = []
    while not seen or seen[-1].data["status"] != "success":
        last = seen[-1].id if seen else "0"
        async with following(ada.http, run_id, last_event_id=last or "") as stream:
            seen.append(await _next_fact(stream))

    assert seen == (await _whole(ada, run_id))[:-1]


async def _next_fact(stream: Stream) -> Message:
    while (message := await stream.next()).event == "progress":
        pass
    return message


async def test_after_the_end_there_is_no_content(ada: Tenant) -> None:
    run = await ada.run(await ada.deploy(card()))
    path = f"/v1/runs/{run['id']}/events"

    answer = await ada.http.get(path, headers={"Last-Event-ID": run["position"]})
    anew = await _first(ada, run["id"])

    assert (answer.status_code, answer.content) == (204, b"")
    assert [message.event for message in anew] == ["snapshot", "done"]


async def _first(ada: Tenant, run_id: str) -> list[Message]:
    async with following(ada.http, run_id) as stream:
        return await stream.rest()


async def test_progress_has_no_id_and_comes_at_most_four_times_a_second(ada: Tenant) -> None:
    deployment = await ada.deploy(slow())
    run_id = await ada.start(deployment, {"seed": 403, "seconds": 2})

    async with following(ada.http, run_id) as stream:
        progress = [m for m in await stream.rest() if m.event == "progress"]

    duration = (await ada.read(run_id))["duration"]
    percents = [message.data["percent"] for message in progress]
    assert 4 <= len(progress) <= 4 * duration + 1
    assert all(message.id is None for message in progress)
    assert all(message.data["run_id"] == run_id for message in progress)
    assert percents == sorted(percents)


async def test_a_stranger_is_told_that_there_is_no_run(bob: Tenant, ada: Tenant) -> None:
    run = await ada.run(await ada.deploy(card()))

    async with following(bob.http, run["id"]) as stream:
        status = stream.answer.status_code

    assert status == 404


async def test_a_client_that_does_not_read_holds_up_nobody(system: System, ada: Tenant) -> None:
    deployment = await ada.deploy(slow())
    run_id = await ada.start(deployment, {"seed": 404, "seconds": 1})
    host, port = system.url.removeprefix("http://").split(":")
    request = (
        f"GET /v1/runs/{run_id}/events HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {system.token('ada')}\r\n\r\n"
    )
    deaf = [socket.create_connection((host, int(port))) for _ in range(20)]
    for connection in deaf:
        connection.sendall(request.encode())

    async with following(ada.http, run_id) as stream:
        seen = await asyncio.wait_for(stream.rest(), 20)
    for connection in deaf:
        connection.close()

    assert seen[-1].data["status"] == "success"


async def test_many_clients_of_one_run_all_see_the_same(ada: Tenant) -> None:
    deployment = await ada.deploy(slow())
    run_id = await ada.start(deployment, {"seed": 405, "seconds": 1})

    stories = await asyncio.gather(*(_whole(ada, run_id) for _ in range(20)))

    assert [facts(story) for story in stories] == [facts(stories[0])] * len(stories)
