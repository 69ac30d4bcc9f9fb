"""Batches are made whole, once, and finished, whichever process dies meanwhile."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.commands.runs.create_run import target_of
from events.aggregates import BATCH, DEPLOYMENT
from events.batch import BatchCreated, BatchItem, CreateBatch
from events.envelope import Meta
from events.ids import batch_run_id, keyed_batch_id
from infra.event_store import Session
from infra.jetstream.event_store import JetStreamEventStore
from tests.builders.facts import NOW
from tests.e2e.batches import ask, colours, counted, done, make
from tests.e2e.graphs import card, slow
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, client_of

Json = dict[str, Any]


async def test_the_same_key_is_the_same_batch_also_for_many_at_once(
    ada: Tenant, log: JetStreamEventStore
) -> None:
    deployment = await ada.deploy(card())

    answers = await asyncio.gather(
        *(ask(ada, deployment, colours(3), Idempotency_Key="batch") for _ in range(5))
    )
    [batch_id] = {answer.json()["id"] for answer in answers}
    await done(ada, batch_id)
    again = await ask(ada, deployment, colours(3), Idempotency_Key="batch")
    other = await ask(ada, deployment, colours(2), Idempotency_Key="batch")

    assert {answer.status_code for answer in answers} == {202}
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["counts"] == counted(success=3)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    for run_id in again.json()["runs"]:
        events = await log.read(f"run-{run_id}")
        assert [e.type for e in events].count("run.created.v1") == 1


async def test_any_api_answers_for_a_batch_that_another_has_accepted(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(card())
    url = system.start_another_api("api-batches")
    await system.until_ready(url)
    async with client_of(system, "ada", url=url) as http:
        for first in range(5):
            made = await make(ada, deployment, colours(3, first))
            there = await http.get(made["links"]["self"], params={"at_least": made["position"]})
            assert there.status_code == 200
            assert int(there.json()["position"]) >= int(made["position"])
            await done(Tenant(http, ""), made["id"])
    system.end("api-batches")


async def test_two_hundred_runs_are_all_made_once_and_finished(ada: Tenant) -> None:
    deployment = await ada.deploy(card())

    made = await make(ada, deployment, colours(200, 1000))
    ended = await done(ada, made["id"], within=120)

    assert len(set(made["runs"])) == 200
    assert ended["counts"] == counted(success=200)


async def test_a_batch_whose_api_died_right_after_accepting_it_is_made_by_a_worker(
    system: System, ada: Tenant, log: JetStreamEventStore
) -> None:
    created = await _promised(log, await ada.deploy(card()), runs=5)

    ended = await done(ada, str(created.batch_id))

    rendered = system.rendered()
    assert ended["counts"] == counted(success=5)
    for index, item in enumerate(created.items):
        run = await ada.read(str(item.run_id))
        events = await log.read(f"run-{item.run_id}")
        prompts = [e.event.prompt_id for e in events if e.type == "run.claimed.v1"]
        assert [e.type for e in events].count("run.created.v1") == 1
        assert (run["batch_index"], run["attempt"]) == (index, 1)
        assert [rendered[str(prompt)] for prompt in prompts] == [1]


async def test_a_batch_whose_api_is_killed_while_it_makes_the_runs_is_made_all_the_same(
    system: System, ada: Tenant, log: JetStreamEventStore
) -> None:
    deployment = await ada.deploy(card())
    batch_id = keyed_batch_id("user:ada", "killed")
    url = system.start_another_api("api-dies")
    await system.until_ready(url)
    async with client_of(system, "ada", url=url) as http:
        body = colours(150, 5000)
        asked = asyncio.create_task(
            ask(Tenant(http, ""), deployment, body, Idempotency_Key="killed")
        )
        await eventually(lambda: log.last(BATCH.name(batch_id)))
        await asyncio.to_thread(system.kill, "api-dies")
        with pytest.raises(httpx.TransportError):
            await asked
    system.end("api-dies")

    ended = await done(ada, str(batch_id), within=120)
    again = await ask(ada, deployment, body, Idempotency_Key="killed")

    assert ended["counts"] == counted(success=150)
    assert again.json()["id"] == str(batch_id)
    for run_id in again.json()["runs"]:
        events = await log.read(f"run-{run_id}")
        assert [e.type for e in events].count("run.created.v1") == 1


async def test_a_batch_that_is_cancelled_before_it_was_made_is_made_and_stopped(
    ada: Tenant, log: JetStreamEventStore
) -> None:
    created = await _promised(log, await ada.deploy(slow()), runs=3)

    answer = await ada.http.post(f"/v1/batches/{created.batch_id}/cancel")
    ended = await done(ada, str(created.batch_id))

    assert answer.status_code in {200, 202}
    assert ended["counts"] == counted(cancelled=3)


async def _promised(log: JetStreamEventStore, deployment: str, *, runs: int) -> BatchCreated:
    """Leave the log as an API does that dies as soon as it has accepted a batch."""
    promoted = await log.last(DEPLOYMENT.name(UUID(deployment)))
    assert promoted is not None
    batch_id = uuid4()
    created = BatchCreated(
        batch_id=batch_id,
        user_id="ada",
        org_id=None,
        targets=(target_of(promoted.event),),
        items=tuple(
            BatchItem(
                run_id=batch_run_id(batch_id, index), request_hash=f"{index}", has_inputs=False
            )
            for index in range(runs)
        ),
        request_hash="promised",
        origin="api",
        at=NOW,
    )
    session = Session(log, BATCH, batch_id, tenant="user:ada")
    meta = Meta(tenant="user:ada", actor="user:ada", command_id=uuid4())
    await session.execute(CreateBatch(created=created), meta)
    return created
