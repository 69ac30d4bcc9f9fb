"""Machines that are down, and machines that drip: nobody's run is lost, and nobody else's waits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.graphs import card, slow
from tests.e2e.system import System
from tests.e2e.tenant import Tenant

pytestmark = pytest.mark.anyio

RUNS = 8


@pytest.fixture
async def dripping(system: System, tmp_path: Path) -> AsyncIterator[str]:
    """Yield the URL of a machine whose files come at a byte in two seconds."""
    url = system.another_machine_url()
    name = f"dripping-{uuid4().hex[:8]}"
    system.start_machine(name, url, tmp_path, "--drip-views", "2")
    yield url
    system.end(name)


async def test_a_machine_that_drips_its_files_holds_up_nobody_else(
    system: System, ada: Tenant, bob: Tenant, dripping: str
) -> None:
    await system.until_machine_ready()
    bad = await bob.deploy(card(), machine_url=dripping, name=f"drip {uuid4()}")
    hanging = [await bob.start(bad, {"colour": n}) for n in range(RUNS)]
    for run_id in hanging:
        # The worker may be busy with the many machines that tests before this one registered.
        await bob.reaches(run_id, "uploading", within=60)

    good = await ada.deploy(card())
    for n in range(3):
        run = await ada.run(good, {"colour": n})
        assert run["status"] == "success"

    # Its own runs can be cancelled, and then another one of the same machine gets its turn.
    for run_id in hanging:
        assert (await bob.cancel(run_id)).is_success
    ended = await asyncio.gather(*(bob.ended(run_id) for run_id in hanging))
    assert {run["status"] for run in ended} == {"cancelled"}


async def test_runs_that_come_while_their_machine_is_down_render_once_when_it_is_back(
    system: System, ada: Tenant, tmp_path: Path
) -> None:
    url, name = system.another_machine_url(), f"down-{uuid4().hex[:8]}"
    system.start_machine(name, url, tmp_path)
    deployment = await ada.deploy(card(), machine_url=url, name=name)
    # The machine is known, and so are its nodes: nothing is asked again before a prompt is sent.
    assert (await ada.run(deployment, {"colour": 0}))["status"] == "success"
    system.kill(name)

    waiting = [await ada.start(deployment, {"colour": n}) for n in range(1, 6)]
    for run_id in waiting[:2]:
        await told_why(ada, run_id)
    # For longer than three quick attempts and their pauses would take.
    await asyncio.sleep(8)
    assert {(await ada.read(run_id))["status"] for run_id in waiting} <= {"not-started", "queued"}
    system.start(name)

    runs = await asyncio.gather(*(ada.ended(run_id, within=60) for run_id in waiting))
    assert [(run["status"], run["attempt"]) for run in runs] == [("success", 1)] * 5
    rendered = (tmp_path / "rendered.log").read_text("utf-8").split()
    assert len(rendered) == len(set(rendered)) == 6
    system.end(name)


async def told_why(tenant: Tenant, run_id: str) -> None:
    """Wait until the run says what it waits for."""
    async with asyncio.timeout(20):
        while True:
            timeline = (await tenant.http.get(f"/v1/runs/{run_id}/timeline")).json()
            if (timeline["waiting"] or {}).get("reason") == "machine_unreachable":
                return
            await asyncio.sleep(0.1)


async def test_a_worker_that_is_stopped_leaves_its_runs_to_the_next_one_and_breaks_none(
    system: System, ada: Tenant
) -> None:
    await system.until_machine_ready()
    deployment = await ada.deploy(slow(seconds=6, steps=60))
    runs = [await ada.start(deployment, {"seed": uuid4().int % 10**9}) for _ in range(2)]
    await ada.reaches(runs[0], "running")
    told_before = len(system.log_of("worker"))
    system.end("worker")
    last_words = system.log_of("worker")[told_before:]
    system.start("worker")

    assert "work.broken" not in last_words
    assert "Session is closed" not in last_words
    for run_id in runs:
        run = await ada.ended(run_id, within=60)
        assert (run["status"], run["attempt"]) == ("success", 1)
