"""The log through lost answers and outages: nothing is lost, nothing is recorded twice."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace
from yarl import URL

from events.aggregates import RUN
from events.run.commands import CreateRun
from infra.embedded.servers import Servers
from infra.event_store import LogUnavailable, Session
from infra.jetstream.connection import Client, connected
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.streams import declared as streams
from tests.builders.facts import created, draft, later, meta
from tests.golden.examples import recorded_example
from tests.network.lossy_proxy import LossyProxy, lossy_proxy
from tests.servers.shared import IN_CONTAINERS, embedded_servers


@asynccontextmanager
async def through_a_proxy(env: Mapping[str, str]) -> AsyncIterator[tuple[LossyProxy, Client]]:
    url = URL(env["NATS_URL"])
    assert url.host is not None
    assert url.port is not None
    async with (
        lossy_proxy(url.host, url.port) as (proxy, port),
        connected(str(url.with_port(port)), name="test") as client,
    ):
        yield proxy, client


async def until_something_is_lost(proxy: LossyProxy) -> None:
    async with asyncio.timeout(30):
        while not proxy.lost:  # noqa: ASYNC110 -- a poll with a deadline
            await asyncio.sleep(0.01)


def command(images: int) -> CreateRun:
    example = recorded_example("run.image_uploaded.v1").event
    pictures = tuple(replace(example, name=str(n), role="input") for n in range(images))
    return CreateRun(created=created(), images=pictures)


@pytest.mark.parametrize("images", [0, 2], ids=["one event", "a batch"])
async def test_an_answer_that_is_lost_once_is_settled_within_the_append(
    log_client: Client, server_env: Mapping[str, str], images: int
) -> None:
    run_id = uuid4()
    async with through_a_proxy(server_env) as (proxy, client):
        store = JetStreamEventStore(client, patience=8, per_try=0.5)
        session = Session(store, RUN, run_id, tenant="user:ada")
        proxy.deaf = True
        executing = asyncio.create_task(session.execute(command(images), meta()))
        await until_something_is_lost(proxy)
        proxy.deaf = False
        appended = await executing

    stored = await JetStreamEventStore(log_client).read(RUN.name(run_id))
    assert [e.version for e in stored] == list(range(1, images + 2))
    assert [(e.id, e.position) for e in appended] == [(e.id, e.position) for e in stored]
    assert session.position == stored[-1].position


async def test_a_command_whose_outcome_stayed_unknown_is_recorded_once_when_sent_again(
    log_client: Client, server_env: Mapping[str, str]
) -> None:
    run_id, circumstances = uuid4(), meta()
    async with through_a_proxy(server_env) as (proxy, client):
        store = JetStreamEventStore(client, patience=0.1, per_try=0.3)
        proxy.deaf = True
        with pytest.raises(LogUnavailable):
            await Session(store, RUN, run_id).execute(command(0), circumstances)
        assert proxy.lost

    again = Session(JetStreamEventStore(log_client), RUN, run_id)
    appended = await again.execute(
        CreateRun(created=created(at=later(60))), replace(circumstances, actor="again")
    )

    stored = await JetStreamEventStore(log_client).read(RUN.name(run_id))
    assert len(stored) == 1
    assert appended == stored
    assert stored[0].event == created()
    assert again.state == RUN.fold([created()])


async def test_an_id_that_another_aggregate_has_used_is_never_taken_for_stored(
    log_client: Client,
) -> None:
    store = JetStreamEventStore(log_client)
    first, second = uuid4(), uuid4()
    event = draft(created(run_id=first), version=1, run_id=first)
    await store.append([event], expected=0)

    with pytest.raises(Exception, match=str(second)):
        await store.append([replace(event, aggregate=RUN.name(second))], expected=0)


@pytest.fixture
def own_servers(tmp_path: Path) -> Iterator[Servers]:
    if IN_CONTAINERS:
        pytest.skip("kills servers of its own, from the wheels")
    with embedded_servers(tmp_path / "own") as servers:
        yield servers


async def test_without_a_server_an_append_fails_in_time_and_is_made_good_afterwards(
    own_servers: Servers,
) -> None:
    circumstances, run_id = meta(), uuid4()
    async with connected(own_servers.env["NATS_URL"], name="test") as client:
        await streams.migrate(client)
        own_servers.children["nats"].stop()
        store = JetStreamEventStore(client, patience=1, per_try=0.5)
        began = time.monotonic()
        with pytest.raises(LogUnavailable):
            await Session(store, RUN, run_id).execute(command(0), circumstances)
        with pytest.raises(LogUnavailable):
            await store.read(RUN.name(run_id))
        assert time.monotonic() - began < 4
        own_servers.launch("nats")
        own_servers.wait_ready("nats")

        patient = JetStreamEventStore(client)
        appended = await Session(patient, RUN, run_id).execute(command(0), circumstances)

        assert appended == await patient.read(RUN.name(run_id))
        assert len(appended) == 1
