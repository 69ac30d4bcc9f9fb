"""The warehouse of docs/analyse-runs.md beside a replica that has really stopped following."""

import asyncio
from pathlib import Path

import pytest

from events.subjects import LOG, subject
from infra.jetstream.connection import connected
from tests.cluster.lagging import leave_one_behind, until_unknown
from tests.network.route_proxies import RouteProxies
from tests.servers.nats_cluster import migrated, running_cluster
from tests.servers.warehouse import SOURCE, expected, fill, start, tables, wait_for

pytestmark = pytest.mark.cluster


async def test_it_skips_nothing_that_a_replica_lacks(tmp_path: Path) -> None:
    """About one answer in three comes from the replica that knows the first half alone."""
    program, file = tmp_path / "warehouse.py", tmp_path / "runs.db"
    program.write_text(SOURCE, "utf-8")
    proxies = RouteProxies()
    with running_cluster(tmp_path / "nats", proxies) as cluster:
        async with connected(cluster.url, name="test") as client:
            await migrated(client)
            entries = await fill(client, 20)
            node = await leave_one_behind(client, proxies)
            entries += await fill(client, 200)
            await until_unknown(client, LOG, subject(entries[-1].aggregate))
            process = start(program, file, cluster.url_of(node))
            await asyncio.to_thread(wait_for, file, entries[-1].position, process)
            for _ in range(10):  # It goes on with each of them, whoever answers.
                entries += await fill(client, 1)
                await asyncio.to_thread(wait_for, file, entries[-1].position, process)
            process.kill()
            process.wait()

    assert tables(file) == expected(entries)
