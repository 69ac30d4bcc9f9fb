"""Runs followed on the command line until they end or the user leaves, and erased after it."""

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.command_line import Comfyd, GraphFile, started
from tests.e2e.graphs import show, slow
from tests.e2e.system import System

PROMPT = "an otter that nobody shall know of"


@pytest.fixture
def run_id(comfyd: Comfyd, graph_file: GraphFile, machine: str) -> str:
    """Return a run that takes its time."""
    comfyd("deploy", graph_file(slow()), "--name", "slow", "--machine", machine)
    return str(comfyd("run", "slow", "--json").json["id"])


async def test_events_are_followed_to_the_end_of_the_run(
    comfyd: Comfyd, run_id: str, system: System, tmp_path: Path
) -> None:
    heard = []
    async with started(system, tmp_path, "events", run_id, "--follow", "--json") as command:
        assert command.stdout is not None
        async for line in command.stdout:
            heard.append(json.loads(line))
            if heard[-1]["event"] == "progress":
                break
        # It has shown what happened while it still happens; the rest comes by itself.
        assert comfyd("cancel", run_id).code == 0
        out, err = await command.communicate()
    assert (command.returncode, err) == (0, b"")
    heard += [json.loads(line) for line in out.splitlines()]
    kept = [event for event in heard if event["event"] != "progress"]
    assert kept[0]["event"] == kept[0]["type"] == "run.created"
    assert kept[-1]["status"] == "cancelled"
    present = [json.loads(line) for line in comfyd("events", run_id, "--json").out.splitlines()]
    assert kept == present


@pytest.mark.parametrize("watching", [("status", "--watch"), ("events", "--follow")])
async def test_who_leaves_a_run_does_not_stop_it(
    watching: tuple[str, str], comfyd: Comfyd, run_id: str, system: System, tmp_path: Path
) -> None:
    command_name, option = watching
    async with started(system, tmp_path, command_name, run_id, option) as command:
        assert command.stdout is not None
        assert await command.stdout.readline()
        command.send_signal(signal.SIGINT)
        out, err = await command.communicate()
    assert (command.returncode, err) == (130, b"")
    assert (f"comfyd status {run_id} --watch" in out.decode()) == (option == "--watch")
    found = comfyd("status", run_id, "--json").json
    assert (found["cancel_requested"], found["ended_at"]) == (False, None)
    comfyd("cancel", run_id)


async def test_a_run_is_erased_when_somebody_is_sure(
    comfyd: Comfyd, graph_file: GraphFile, machine: str
) -> None:
    graph = graph_file(show("Text", default_value="nothing"))
    comfyd("deploy", graph, "--name", "secrets", "--machine", machine)
    run_id = comfyd("run", "secrets", "-i", f"value={PROMPT}", "--watch", "--json").json["id"]
    assert PROMPT in comfyd("status", run_id).out
    unsure = comfyd("erase", run_id, stdin="n\n")
    assert unsure.code == 1
    assert PROMPT in comfyd("status", run_id).out
    erased = comfyd("erase", run_id, "--yes")
    assert (erased.code, erased.err) == (0, "")
    assert f"{run_id}: its data is being erased" in erased.out
    assert PROMPT not in comfyd("status", run_id, "--json").out
    await deleted(comfyd, run_id)
    assert comfyd("erase", run_id, "--yes", "--json").json[0]["erasure"] == "done"


async def deleted(comfyd: Comfyd, run_id: str) -> None:
    """Wait until a worker has deleted what is erased."""
    deadline = time.monotonic() + 30
    while comfyd("status", run_id, "--json").json["erasure"] != "done":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)


async def test_a_run_that_goes_on_is_not_erased(comfyd: Comfyd, run_id: str) -> None:
    refused = comfyd("erase", run_id, "--yes", "--json")
    assert refused.code == 5
    assert json.loads(refused.err)["code"] == "run_not_ended"
    comfyd("cancel", run_id)
