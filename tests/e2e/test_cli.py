"""The command line as people and scripts use it: a process that knows a server and a key."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.graphs import MISSING, card, load, show, slow
from tests.e2e.system import System
from tests.pictures import saved

COMMAND = str(Path(sys.executable).with_name("comfyd"))
Comfyd = Callable[..., "Ended"]


class Ended:
    """What a command left behind."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        assert self.code in {0, 1}, self.err
        return json.loads(self.out)


@pytest.fixture
async def comfyd(system: System, tmp_path: Path) -> Comfyd:
    """Give the command, as the user cli, far from any data folder."""
    base = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "COMFYD_DATA": str(tmp_path / "nothing"),
        "LANG": "C.UTF-8",
        "COLUMNS": "200",
    }
    access = {"COMFYD_URL": system.url, "COMFYD_KEY": system.token("cli")}

    def run(*arguments: str, stdin: str = "", login: bool = True, **env: str) -> Ended:
        return Ended(
            subprocess.run(
                [COMMAND, *arguments],
                input=stdin,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
                env={**base, **(access if login else {}), **env},
            )
        )

    return run


@pytest.fixture
def graph_file(tmp_path: Path) -> Callable[[dict[str, Any]], str]:
    """Write a graph where the command finds it."""

    def write(graph: dict[str, Any]) -> str:
        file = tmp_path / "graph.json"
        file.write_text(json.dumps(graph))
        return str(file)

    return write


@pytest.fixture
async def machine(system: System, comfyd: Comfyd) -> str:
    """Give the name of a registered machine."""
    added = comfyd("machine", "add", "box", system.machine_url)
    assert added.code == 0, added.err
    return "box"


async def test_a_graph_becomes_an_image(
    comfyd: Comfyd, graph_file: Callable[..., str], machine: str
) -> None:
    deployed = comfyd("deploy", graph_file(card()), "--name", "cards", "--machine", machine)
    assert deployed.code == 0, deployed.err
    assert "cards/production runs version 1" in deployed.out
    ran = comfyd("run", "cards", "-i", "colour=200", "--watch")
    assert ran.code == 0, ran.err
    assert "success" in ran.out
    assert ".png" in ran.out


async def test_scripts_read_json_and_exit_codes(
    comfyd: Comfyd, graph_file: Callable[..., str], machine: str
) -> None:
    comfyd("deploy", graph_file(card()), "--name", "cards", "--machine", machine)
    run = comfyd("run", "cards/production", "--watch", "--json").json
    assert run["status"] == "success"
    assert comfyd("status", run["id"], "--json").json["id"] == run["id"]
    assert run["id"] in [r["id"] for r in comfyd("runs", "--json").json]
    assert comfyd("status", MISSING).code == 4
    assert comfyd("status", run["id"], COMFYD_KEY="cfd_wrong").code == 3
    assert comfyd("run", "cards", "-i", "colour=red").code == 5
    assert comfyd("status", run["id"], COMFYD_URL="http://127.0.0.1:9").code == 6
    assert comfyd("status").code == 2


async def test_what_is_refused_is_told_in_the_users_language(
    comfyd: Comfyd, graph_file: Callable[..., str], machine: str
) -> None:
    comfyd("deploy", graph_file(card()), "--name", "cards", "--machine", machine)
    english = comfyd("run", "cards", "-i", "colour=red")
    chinese = comfyd("run", "cards", "-i", "colour=red", LANG="zh_CN.UTF-8")
    assert "/inputs/colour" in english.err
    assert "/inputs/colour" in chinese.err
    assert any("\u4e00" <= character <= "\u9fff" for character in chinese.err)
    assert "Traceback" not in english.err + chinese.err


async def test_a_run_that_fails_says_so(
    comfyd: Comfyd, graph_file: Callable[..., str], machine: str
) -> None:
    broken = card()
    broken["2"]["class_type"] = "NoSuchNode"
    comfyd("deploy", graph_file(broken), "--name", "broken", "--machine", machine)
    ran = comfyd("run", "broken", "--watch")
    assert ran.code == 1, ran.err
    assert "failed" in ran.out


async def test_events_timeline_cancel_and_rerun(
    comfyd: Comfyd, graph_file: Callable[..., str], machine: str
) -> None:
    comfyd("deploy", graph_file(slow()), "--name", "slow", "--machine", machine)
    run_id = comfyd("run", "slow", "--json").json["id"]
    assert comfyd("cancel", run_id).code == 0
    watched = comfyd("status", run_id, "--watch", "--json")
    assert watched.code == 1
    assert watched.json["status"] == "cancelled"
    lines = comfyd("events", run_id, "--json").out.splitlines()
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
    comfyd: Comfyd, graph_file: Callable[..., str], machine: str
) -> None:
    comfyd("deploy", graph_file(card()), "--name", "cards", "--machine", machine)
    lines = "".join(json.dumps({"colour": n}) + "\n" for n in range(3))
    done = comfyd("batch", "cards", "-", "--watch", "--json", stdin=lines)
    assert done.code == 0, done.err
    assert done.json["counts"]["success"] == 3


async def test_versions_promotion_and_rollback(
    comfyd: Comfyd, graph_file: Callable[..., str], machine: str
) -> None:
    comfyd("deploy", graph_file(card()), "--name", "shop", "--machine", machine)
    other = card() | {"1": show("Text", default_value="x")["1"]}
    other["2"]["inputs"]["color"] = 1
    assert comfyd("workflow", "push", graph_file(other), "--name", "shop").code == 0
    assert [v["version"] for v in comfyd("workflow", "list", "shop", "--json").json] == [2, 1]
    diff = comfyd("workflow", "diff", "shop", "1", "2", "--json").json
    assert [i["name"] for i in diff["inputs"]["removed"]] == ["colour"]
    refused = comfyd("promote", "shop", "2")
    assert refused.code == 5
    assert "colour" in refused.err
    assert comfyd("promote", "shop", "2", "--force").code == 0
    assert comfyd("rollback", "shop").code == 0
    history = comfyd("deployments", "shop", "--json").json
    assert sorted(entry["version"] for entry in history) == [1, 1, 2]
    assert comfyd("workflow", "machines", "shop", "1", "--json").code == 0


async def test_machines_are_looked_after(comfyd: Comfyd, machine: str) -> None:
    assert comfyd("machine", "drain", machine, "--json").json["state"] == "draining"
    assert comfyd("machine", "resume", machine, "--json").json["state"] == "active"
    assert comfyd("machine", "rename", machine, "case", "--json").json["name"] == "case"
    assert comfyd("machine", "show", "case", "--json").json["name"] == "case"
    assert comfyd("machine", "history", "case").code == 0
    assert comfyd("machine", "remove", "case", "--force").code == 0
    assert comfyd("machine", "show", "case").code == 4


async def test_keys_are_shown_once_and_revoked(comfyd: Comfyd) -> None:
    issued = comfyd("keys", "create", "reader", "--scope", "runs:read", "--json").json
    assert comfyd("runs", COMFYD_KEY=issued["key"]).code == 0
    assert comfyd("keys", "list", COMFYD_KEY=issued["key"]).code == 3
    assert issued["key"] not in comfyd("keys", "list").out
    assert comfyd("keys", "revoke", issued["id"]).code == 0
    # Another process of the same server may take half a second to hear of it; this one not.
    assert comfyd("runs", COMFYD_KEY=issued["key"]).code == 3


async def test_a_login_is_kept_for_its_owner_only(
    comfyd: Comfyd, system: System, tmp_path: Path
) -> None:
    assert comfyd("runs", login=False).code == 3
    wrong = comfyd("login", system.url, "--key", "cfd_wrong", login=False)
    assert wrong.code == 3
    done = comfyd("login", system.url, "--key", system.token("cli"), login=False)
    assert done.code == 0, done.err
    (file,) = (tmp_path / "config").rglob("login.json")
    assert file.stat().st_mode & 0o077 == 0
    assert comfyd("whoami", "--json", login=False).json["tenant"] == "user:cli"
    # The key is not sent to another server than its own.
    assert comfyd("runs", "--server", "http://127.0.0.1:9", login=False).code == 3
    assert comfyd("logout", login=False).code == 0
    assert comfyd("runs", login=False).code == 3


async def test_an_image_is_an_input(
    comfyd: Comfyd, graph_file: Callable[..., str], machine: str, tmp_path: Path
) -> None:
    comfyd("deploy", graph_file(load()), "--name", "pictures", "--machine", machine)
    file = tmp_path / "photo.png"
    file.write_bytes(saved("PNG"))
    ran = comfyd("run", "pictures", "-i", f"picture=@{file}", "--watch")
    assert ran.code == 0, ran.err
    missing = comfyd("run", "pictures", "-i", "picture=@nowhere.png")
    assert missing.code == 2
    assert "nowhere.png" in missing.err


async def test_the_doctor_finds_nothing_and_then_something(comfyd: Comfyd, machine: str) -> None:
    found = comfyd("doctor", "--json").json
    names = {check["name"]: check["ok"] for check in found["checks"]}
    assert {"log", "streams", "clock", "postgres", "storage"} <= names.keys()
    assert all(names[n] for n in ("log", "streams", "clock", "postgres", "storage"))
    comfyd("machine", "drain", machine)
    found = comfyd("doctor")
    assert found.code == 1
    assert "comfyd machine resume box" in found.out
    comfyd("machine", "resume", machine)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_shells_get_their_completion(comfyd: Comfyd, shell: str) -> None:
    assert "_COMFYD_COMPLETE" in comfyd("completion", shell).out
