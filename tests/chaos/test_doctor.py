"""The doctor names what is wrong while it lasts, on a whole system, and no longer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from infra.jetstream.calls import api
from infra.jetstream.connection import Client, connected
from infra.jetstream.work.queue import WorkQueue
from infra.postgres import connect
from tests.chaos.load import graph
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, client_of

pytestmark = pytest.mark.chaos


async def faults(tenant: Tenant) -> set[str]:
    """Return the codes of what the doctor finds."""
    answer = await tenant.http.get("/v1/doctor")
    return {check["code"] for check in answer.json()["checks"] if not check["ok"]}


async def until_well(tenant: Tenant) -> None:
    """Wait until the doctor finds nothing."""

    async def well() -> bool:
        return not await faults(tenant)

    await eventually(well)


def finds(tenant: Tenant, code: str) -> Callable[[], Awaitable[bool]]:
    """Return a question: is this all that the doctor finds?"""

    async def found() -> bool:
        return await faults(tenant) == {code}

    return found


@pytest.fixture
async def nats(system: System) -> AsyncIterator[Client]:
    """Return a connection to the system's NATS."""
    async with connected(system.env["NATS_URL"], name="tests") as client:
        yield client


async def test_without_a_worker_the_doctor_and_readiness_say_so(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(graph())
    await ada.run(deployment)
    await until_well(ada)
    async with system.without("worker"):
        run_id = await ada.start(deployment)
        await eventually(finds(ada, "worker_none"))
        ready = await ada.http.get("/health/ready")
    assert (ready.status_code, ready.json()["workers"]) == (200, "none")
    await ada.ended(run_id)
    await until_well(ada)


async def test_a_projector_that_is_gone_or_stands_still_is_named(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(graph())
    await ada.run(deployment)
    await until_well(ada)
    system.freeze("projector")
    try:
        await ada.run(deployment)
        await eventually(finds(ada, "projector_still"))

        async def said() -> bool:
            ready = await ada.http.get("/health/ready")
            return (ready.status_code, ready.json()["projector"]) == (200, "behind")

        await eventually(said)
    finally:
        system.thaw("projector")
    await until_well(ada)
    async with system.without("projector"):

        async def gone() -> bool:
            return "projector_none" in await faults(ada)

        await eventually(gone)
    await until_well(ada)


@asynccontextmanager
async def quarantined(system: System) -> AsyncIterator[None]:
    """Put something into quarantine."""
    async with connect(system.env["POSTGRES_URL"]) as connection:
        await connection.execute(
            "INSERT INTO read.quarantine VALUES ('run-of-nobody', 1, 'run.new.v9', 'unknown')"
        )
        yield
        await connection.execute("DELETE FROM read.quarantine WHERE aggregate = 'run-of-nobody'")


async def test_quarantine_and_dead_letters_are_counted_and_name_nobody(
    system: System, ada: Tenant, nats: Client
) -> None:
    await ada.run(await ada.deploy(graph()))
    await until_well(ada)
    async with quarantined(system):
        assert await faults(ada) == {"quarantined"}
        assert "run-of-nobody" not in (await ada.http.get("/v1/doctor")).text
    secret = uuid4()
    await WorkQueue(nats).bury(
        "work.upload", str(secret).encode(), message_id="a test's", error="broken"
    )
    assert await faults(ada) == {"dead_letters"}
    assert str(secret) not in (await ada.http.get("/v1/doctor")).text
    await api(nats, "STREAM.PURGE.DLQ", {}, within=5)
    assert await faults(ada) == set()


async def test_a_stream_near_its_limit_is_named(ada: Tenant, nats: Client) -> None:
    await ada.run(await ada.deploy(graph()))
    await until_well(ada)
    info = await api(nats, "STREAM.INFO.RUNS", {}, within=5)
    tight = {**info["config"], "max_bytes": info["state"]["bytes"] * 100 // 95}
    await api(nats, "STREAM.UPDATE.RUNS", tight, within=5)
    try:
        assert await faults(ada) == {"streams_near_limit"}
    finally:
        await api(nats, "STREAM.UPDATE.RUNS", info["config"], within=5)
    await until_well(ada)


async def test_an_open_run_whose_work_is_gone_is_named_to_its_owner(
    system: System, ada: Tenant, nats: Client
) -> None:
    deployment = await ada.deploy(graph())
    await ada.run(deployment)
    await until_well(ada)
    async with client_of(system, "eve") as http:
        eve = Tenant(http, system.machine_url)
        await eve.machine()
        async with system.without("worker"):
            run_id = await ada.start(deployment)
            await api(nats, "STREAM.PURGE.WORK", {}, within=5)

            async def found() -> bool:
                return await faults(ada) == {"worker_none", "runs_stuck"}

            await eventually(found, within=30)
            assert run_id in (await ada.http.get("/v1/doctor")).text
            assert "runs_stuck" not in await faults(eve)
            assert run_id not in (await http.get("/v1/doctor")).text
    await ada.ended(run_id, within=60)
    await until_well(ada)
