"""A cluster that lost everything is restored from a backup with open work, as the page types it."""

import asyncio
import shutil
from pathlib import Path

import pytest

from infra.jetstream.connection import connected
from tests.chaos.load import Load, graph
from tests.chaos.proof import check_story, log_end, read_stories, renders
from tests.e2e.command_line import COMMAND, environment
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant
from tests.servers.nats_cluster import NODES, Cluster

pytestmark = pytest.mark.cluster

OWN = ("api", "api-2", "worker", "worker-2", "projector", "projector-2")
BEFORE_THE_BACKUP = 10
"""Renders that have come to an end when the backup is made."""


async def test_open_work_goes_on_after_a_restore(
    system: System, cluster: Cluster, ada: Tenant, tmp_path: Path
) -> None:
    load = Load(system, ada, await ada.deploy(graph()))
    start, before = await log_end(system), system.rendered()
    making = asyncio.create_task(load.make(40))

    async def some_rendered() -> bool:
        return (system.rendered() - before).total() >= BEFORE_THE_BACKUP

    await eventually(some_rendered, within=60)
    await comfyd(system, tmp_path, "backup", str(tmp_path / "backup"))
    await making
    await load.make(5)
    for name in OWN:
        system.kill(name)
    lose_everything(cluster)
    await comfyd(system, tmp_path, "restore", str(tmp_path / "backup"))
    await comfyd(system, tmp_path, "migrate")
    await comfyd(system, tmp_path, "projections", "rebuild")
    for name in OWN:
        system.start(name)
    await system.until_ready(system.url)

    async with connected(cluster.url, name="tests") as client:
        kept = (await read_stories(client, after=start)).keys()
        assert kept < load.accepted.keys(), "what came after the backup is back as well"
        assert len(kept) >= BEFORE_THE_BACKUP
        for run_id in kept:
            assert (await ada.ended(run_id, within=90))["status"] == "success"
        stories = await read_stories(client, after=start)
    for story in stories.values():
        check_story(story, status="success")
    rendered = system.rendered() - before
    assert {run_id: renders(rendered, run_id) for run_id in kept} == dict.fromkeys(kept, 1)


def lose_everything(cluster: Cluster) -> None:
    """Kill all nodes, empty their disks, and start them."""
    for number in range(NODES):
        cluster.kill(number)
    for number in range(NODES):
        shutil.rmtree(cluster.store_of(number))
        cluster.restart(number)
    cluster.wait_ready()


async def comfyd(system: System, folder: Path, *words: str) -> None:
    """Run a command as an operator does, with the settings of the system."""
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        *words,
        env={**environment(folder), **system.env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
