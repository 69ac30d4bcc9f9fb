"""The stream of a tenant loses nothing: killed, slow, and resumed anywhere."""

import asyncio
import re
import socket
import sys
from contextlib import suppress
from pathlib import Path

import httpx

from tests.e2e.batches import colours, done, make
from tests.e2e.graphs import card
from tests.e2e.keys import bearer, issue
from tests.e2e.sse import Message, following_at
from tests.e2e.system import System
from tests.e2e.tenant import Tenant
from tests.e2e.tenant_events import client_of_key, following_events, names, whole

PAGE = Path(__file__).parents[3] / "docs" / "follow-a-run.md"


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
