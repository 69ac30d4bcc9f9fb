"""Runs and batches on the command line: made, followed, stopped, made again."""

import json
import time
from pathlib import Path

from tests.builders.pictures import saved
from tests.e2e.command_line import Comfyd, GraphFile
from tests.e2e.graphs import card, load, slow


async def test_a_run_that_fails_says_so(
    comfyd: Comfyd, graph_file: GraphFile, machine: str
) -> None:
    broken = card()
    broken["2"]["class_type"] = "NoSuchNode"
    comfyd("deploy", graph_file(broken), "--name", "broken", "--machine", machine)
    ran = comfyd("run", "broken", "--watch")
    assert ran.code == 1, ran.err
    assert "failed" in ran.out


async def test_events_timeline_cancel_and_rerun(
    comfyd: Comfyd, graph_file: GraphFile, machine: str
) -> None:
    comfyd("deploy", graph_file(slow()), "--name", "slow", "--machine", machine)
    run_id = comfyd("run", "slow", "--json").json["id"]
    assert comfyd("cancel", run_id).code == 0
    watched = comfyd("status", run_id, "--watch", "--json")
    assert watched.code == 1
    assert watched.json["status"] == "cancelled"
    printed = comfyd("events", run_id, "--json")
    assert printed.err == ""
    lines = printed.out.splitlines()
    assert json.loads(lines[0])["type"] == "run.created"
    assert json.loads(lines[-1])["status"] == "cancelled"
    assert comfyd("timeline", run_id, "--json").json["run_id"] == run_id
    again = comfyd("rerun", run_id, "-i", "seconds:=0.1", "--watch", "--json")
    assert again.json["rerun_of"] == run_id
    assert again.json["status"] == "success"
    assert comfyd("rerun").code == 2
    counted = comfyd("rerun", "--status", "cancelled", "--dry-run", "--json").json
    assert counted["total"] >= 1


async def test_a_batch_from_a_file_of_lines(
    comfyd: Comfyd, graph_file: GraphFile, machine: str
) -> None:
    comfyd("deploy", graph_file(card()), "--name", "cards", "--machine", machine)
    lines = "".join(json.dumps({"colour": n}) + "\n" for n in range(3))
    done = comfyd("batch", "cards", "-", "--watch", "--json", stdin=lines)
    assert done.code == 0, done.err
    assert done.json["counts"]["success"] == 3
    assert comfyd("status", done.json["id"], "--watch").code == 0


async def test_a_batch_is_stopped_by_its_id(
    comfyd: Comfyd, graph_file: GraphFile, machine: str
) -> None:
    comfyd("deploy", graph_file(slow()), "--name", "slow", "--machine", machine)
    batch_id = comfyd("batch", "slow", "-", "--json", stdin="{}\n{}\n").json["id"]
    assert comfyd("cancel", batch_id).code == 0
    ended = comfyd("status", batch_id, "--watch", "--json")
    assert ended.code == 1
    assert ended.json["counts"]["cancelled"] == 2


async def test_reruns_are_watched_to_the_end_of_all(
    comfyd: Comfyd, graph_file: GraphFile, machine: str
) -> None:
    comfyd("deploy", graph_file(slow()), "--name", "repeated", "--machine", machine)
    assert comfyd("run", "repeated", "-i", "seconds:=0.1", "--watch").code == 0
    again = comfyd("rerun", "--deployment", "repeated", "--watch", "--json")
    assert again.code == 0, again.err
    assert again.json["counts"]["success"] == 1
    stopped = comfyd("run", "repeated", "--json").json["id"]
    comfyd("cancel", stopped)
    comfyd("status", stopped, "--watch")
    seen = comfyd("rerun", "--deployment", "repeated", "--status", "cancelled", "--dry-run")
    assert "1 runs would be rerun" in seen.out
    broken = card()
    broken["2"]["class_type"] = "NoSuchNode"
    comfyd("deploy", graph_file(broken), "--name", "broken again", "--machine", machine)
    comfyd("run", "broken again", "--watch")
    failed = comfyd("rerun", "--deployment", "broken again", "--watch")
    assert failed.code == 1
    assert "failed 1" in failed.out


async def test_a_run_that_waits_says_for_what(
    comfyd: Comfyd, graph_file: GraphFile, machine: str
) -> None:
    comfyd("deploy", graph_file(card()), "--name", "cards", "--machine", machine)
    comfyd("machine", "drain", machine)
    run_id = comfyd("run", "cards", "--json").json["id"]
    deadline = time.monotonic() + 20
    while "machine box is drained" not in (shown := comfyd("status", run_id).out):
        assert time.monotonic() < deadline, shown
    comfyd("machine", "resume", machine)
    assert comfyd("status", run_id, "--watch").code == 0


async def test_a_key_for_one_deployment_can_follow_its_runs(
    comfyd: Comfyd, graph_file: GraphFile, machine: str
) -> None:
    comfyd("deploy", graph_file(card()), "--name", "cards", "--machine", machine)
    scopes = ("--scope", "runs:write", "--scope", "runs:read")
    key = comfyd("keys", "create", "shop", *scopes, "--deployment", "cards").out.strip()
    run_id = comfyd("run", "cards", "--watch", "--json", COMFYD_KEY=key).json["id"]
    assert comfyd("timeline", run_id, COMFYD_KEY=key).code == 0


async def test_an_image_is_an_input(
    comfyd: Comfyd, graph_file: GraphFile, machine: str, tmp_path: Path
) -> None:
    comfyd("deploy", graph_file(load()), "--name", "pictures", "--machine", machine)
    file = tmp_path / "photo.png"
    file.write_bytes(saved("PNG"))
    ran = comfyd("run", "pictures", "-i", f"picture=@{file}", "--watch")
    assert ran.code == 0, ran.err
    missing = comfyd("run", "pictures", "-i", "picture=@nowhere.png")
    assert missing.code == 2
    assert "nowhere.png" in missing.err
