"""A stream that has nothing to tell stays open, and no client takes its heartbeats for messages."""

import json
from pathlib import Path

import pytest

from tests.e2e.graphs import card
from tests.e2e.node import command, install, node_and_npm, with_node
from tests.e2e.system import System
from tests.e2e.tenant import Json, Tenant, client_of


@pytest.mark.parametrize("kind", ["runs", "batches"])
async def test_a_heartbeat_is_no_message_of_fetch_event_source(
    system: System, impatient: str, tmp_path: Path, kind: str
) -> None:
    await install("browser", tmp_path)
    async with client_of(system, "waiting", url=impatient) as http:
        tenant = Tenant(http, system.machine_url)
        deployment = await tenant.deploy(card(), machine_url=system.another_machine_url())
        body: Json = {"deployment_id": deployment, "inputs": [{}] if kind == "batches" else {}}
        made = await http.post(f"/v1/{kind}", json=body)
        links = made.json()["links"]

        dispatched = await command(
            *(node_and_npm()[0], "beats.mjs"),
            folder=tmp_path,
            env=with_node()
            | {"STREAM": impatient + links["events"], "COMFYD_KEY": system.token("waiting")},
        )
        await http.post(links["cancel"])

    messages = json.loads(dispatched)
    assert messages[0]["event"] == "snapshot"
    # Every one was read as JSON, and tells something.
    assert all(message["event"] and message["status"] for message in messages)
