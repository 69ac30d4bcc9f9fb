"""The warehouse of docs/analyse-runs.md as it stands: exact when killed, erasing, never ahead."""

import asyncio
import json
import random
import re
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace
from nats.aio.msg import Msg

from events import codec
from events.envelope import AnyRecorded
from events.run.events import ImageUploaded, RunCreated
from events.run.redaction import redact_event
from infra.jetstream.analyst import READ
from infra.jetstream.connection import Client, connected
from infra.jetstream.streams.declared import migrate
from tests.golden.examples import EXAMPLES, EXTENDED
from tests.servers.analyst_nats import Urls, analyst_nats
from tests.servers.own_nats import own_nats
from tests.servers.warehouse import (
    PAGE,
    SOURCE,
    expected,
    fill,
    happened,
    start,
    store,
    tables,
    wait_for,
)


@pytest.fixture
def urls(tmp_path: Path) -> Iterator[Urls]:
    """Yield the addresses of comfyd and of the analyst on a NATS as `comfyd up` starts it."""
    with analyst_nats(tmp_path / "nats") as urls:
        yield urls


@pytest.fixture
async def log(urls: Urls) -> AsyncIterator[Client]:
    """Yield comfyd's connection to an empty log."""
    async with connected(urls.comfyd, name="test") as client:
        await migrate(client)
        yield client


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return the program of the page, as a reader keeps it."""
    file = tmp_path / "warehouse.py"
    file.write_text(SOURCE, "utf-8")
    return file


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """Return what the program of the page defines."""
    defined: dict[str, Any] = {"__name__": "warehouse"}
    exec(compile(SOURCE, "docs/analyse-runs.md", "exec"), defined)
    return defined


async def test_killed_at_any_moment_it_has_everything_once(
    log: Client, urls: Urls, program: Path, tmp_path: Path
) -> None:
    entries = await fill(log, 450)
    file, end = tmp_path / "runs.db", entries[-1].position
    assert end > 2000  # more than two answers
    chance = random.Random(8)
    for goal in (0, 1, 1000, 2000):
        process = start(program, file, urls.analyst)
        await asyncio.to_thread(wait_for, file, min(goal, end), process)
        await asyncio.sleep(chance.uniform(0, 0.1))  # Wherever it is then.
        process.kill()
        assert process.wait() == -signal.SIGKILL
    process = start(program, file, urls.analyst)
    await asyncio.to_thread(wait_for, file, end, process)
    entries += await fill(log, 5)  # It goes on with what happens from now on.
    await asyncio.to_thread(wait_for, file, entries[-1].position, process)
    process.kill()
    process.wait()

    assert tables(file) == expected(entries)
    assert b"SECRET" in file.read_bytes()


async def test_what_was_erased_is_nowhere_in_the_file(
    log: Client, urls: Urls, program: Path, tmp_path: Path
) -> None:
    *life, erased = happened(uuid4(), 2)
    *failure, erased_too = happened(uuid4(), 3)
    file = tmp_path / "runs.db"
    process = start(program, file, urls.analyst)

    last = [await store(log, entry) for entry in (*life, *failure)][-1]
    await asyncio.to_thread(wait_for, file, last, process)
    before = file.read_bytes()
    last = [await store(log, entry) for entry in (erased, erased_too)][-1]
    await asyncio.to_thread(wait_for, file, last, process)
    process.kill()
    process.wait()

    assert before.count(b"SECRET") >= 3  # a file's name and key, and a message
    assert b"SECRET" not in file.read_bytes()
    assert tables(file) == expected([*life, erased, *failure, erased_too])


# one answer after the other


def answers(entries: Sequence[AnyRecorded]) -> list[tuple[int, dict[str, str], bytes]]:
    """Return events as `read` of the page returns them."""
    return [(entry.position, *codec.encode(entry)) for entry in entries]


def lives(*kinds: int) -> list[AnyRecorded]:
    entries = [entry for kind in kinds for entry in happened(uuid4(), kind)]
    return [replace(entry, position=number) for number, entry in enumerate(entries, 1)]


@pytest.fixture
def warehouse(page: dict[str, Any], tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Yield empty tables."""
    db = sqlite3.connect(tmp_path / "runs.db", isolation_level=None)
    db.executescript(page["TABLES"])
    yield db
    db.close()


def test_what_is_delivered_again_changes_nothing(
    page: dict[str, Any], warehouse: sqlite3.Connection, tmp_path: Path
) -> None:
    entries = lives(0, 1, 2)
    told = [page["keep"](warehouse, answers(part)) for part in (entries[:5], entries, entries)]
    assert told == [5, len(entries) - 5, 0]
    assert tables(tmp_path / "runs.db") == expected(entries)


def test_what_a_replica_misses_is_not_skipped(
    page: dict[str, Any], warehouse: sqlite3.Connection, tmp_path: Path
) -> None:
    entries = lives(0, 1)
    assert page["keep"](warehouse, answers(entries[:3] + entries[4:])) == 3
    assert page["keep"](warehouse, answers(entries[4:])) == 0
    assert page["keep"](warehouse, answers(entries)) == len(entries) - 3
    assert tables(tmp_path / "runs.db") == expected(entries)


def test_an_event_that_cannot_be_kept_keeps_nothing(
    page: dict[str, Any], warehouse: sqlite3.Connection
) -> None:
    entries = lives(0)
    broken = answers(entries)
    broken[2] = (3, broken[2][1], b"{")
    with pytest.raises(json.JSONDecodeError):
        page["keep"](warehouse, broken)
    assert warehouse.execute("SELECT position FROM place").fetchone() == (0,)
    assert page["keep"](warehouse, answers(entries)) == len(entries)


def test_another_log_is_not_taken_for_the_one_it_knows(
    page: dict[str, Any], warehouse: sqlite3.Connection
) -> None:
    entries = lives(0)
    page["keep"](warehouse, answers(entries))
    other = lives(0)
    with pytest.raises(SystemExit, match="restored from a backup"):
        page["keep"](warehouse, answers(other[-1:]))


async def test_a_replica_that_lags_is_asked_again(program: Path, tmp_path: Path) -> None:
    """Of three replicas one knows nothing, one half of it, and one everything."""
    entries = lives(0, 1, 2, 3)
    replicas = [[], entries[:9], entries]
    asked = 0

    with own_nats(tmp_path / "nats") as server:
        async with connected(server.url, name="replicas") as client:

            async def answer(message: Msg) -> None:
                nonlocal asked
                request = json.loads(message.data)
                for number, headers, body in answers(replicas[asked % 3]):
                    if number >= request["seq"]:
                        headers["Nats-Sequence"] = str(number)
                        await client.publish(message.reply, body, headers=headers)
                asked += 1
                end = {"Status": "404", "Description": "Message Not Found"}
                await client.publish(message.reply, headers=end)

            await client.subscribe(READ, cb=answer)
            await client.flush()
            file = tmp_path / "runs.db"
            process = start(program, file, server.url)
            await asyncio.to_thread(wait_for, file, len(entries), process)
            process.kill()
            process.wait()

    assert asked >= 3
    assert tables(file) == expected(entries)


# the page


def test_the_page_names_what_the_facts_of_a_batch_have_of_its_runs() -> None:
    section = PAGE.partition("## Erasure")[2]
    rows = [line for line in section.splitlines() if "`batch.created.v1`" in line]
    named = {word for row in rows for word in re.findall(r"`(\w+)`", row.split("|")[2])}
    assert {"images", "request_hash"} <= named


@pytest.mark.parametrize("name", sorted(n for n in EXAMPLES if n.startswith("run.")))
def test_the_page_names_everything_that_erasure_takes(name: str) -> None:
    section = PAGE.partition("## Erasure")[2]
    rows = [line for line in section.splitlines() if f"`{name}`" in line and line.startswith("|")]
    event: Any = EXTENDED.get(name, EXAMPLES[name])
    gone = private_fields(json.loads(codec._ENCODER.encode(event)), bare(event))
    if isinstance(event, ImageUploaded):
        gone |= {"key", "sha256"}
    if isinstance(event, RunCreated):
        gone |= {"request_hash"}  # which the API never shows
    assert bool(rows) == bool(gone), gone
    if rows:
        assert gone <= set(re.findall(r"`(\w+)`", rows[0].split("|")[2]))


def bare(event: Any) -> Any:
    return json.loads(codec._ENCODER.encode(redact_event(event)))


def private_fields(whole: Any, rest: Any) -> set[str]:
    """Name the fields, at any depth, that have another value in *rest*."""
    if isinstance(whole, dict):
        inner = (
            private_fields(v, rest.get(k)) or ({k} if not isinstance(v, dict | list) else set())
            for k, v in whole.items()
            if v != rest.get(k)
        )
        return set().union(*inner)
    if isinstance(whole, list):
        return set().union(*(private_fields(a, b) for a, b in zip(whole, rest, strict=True)))
    return set()
