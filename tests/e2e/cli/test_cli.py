"""The command line as people and scripts use it: from a graph to an image, and its care."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.command_line import Comfyd, GraphFile
from tests.e2e.graphs import MISSING, card, node, show
from tests.e2e.system import System, eventually


async def test_a_graph_becomes_an_image(
    comfyd: Comfyd, graph_file: GraphFile, machine: str
) -> None:
    deployed = comfyd("deploy", graph_file(card()), "--name", "cards", "--machine", machine)
    assert deployed.code == 0, deployed.err
    assert "cards/production runs version 1" in deployed.out
    ran = comfyd("run", "cards", "-i", "colour=200", "--watch")
    assert ran.code == 0, ran.err
    assert "success" in ran.out
    assert ".png" in ran.out


async def test_scripts_read_json_and_exit_codes(
    comfyd: Comfyd, graph_file: GraphFile, machine: str
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
    for no_id in ("", "..", "cards"):
        assert comfyd("status", no_id).code == 2
    assert comfyd("login", "no-address", "--key", "k").code == 2


async def test_what_is_refused_is_told_in_the_users_language(
    comfyd: Comfyd, graph_file: GraphFile, machine: str
) -> None:
    comfyd("deploy", graph_file(card()), "--name", "cards", "--machine", machine)
    english = comfyd("run", "cards", "-i", "colour=red")
    chinese = comfyd("run", "cards", "-i", "colour=red", LANG="zh_CN.UTF-8")
    assert "/inputs/colour" in english.err
    assert "/inputs/colour" in chinese.err
    assert any("\u4e00" <= character <= "\u9fff" for character in chinese.err)
    assert "Traceback" not in english.err + chinese.err


async def test_versions_promotion_and_rollback(
    comfyd: Comfyd, graph_file: GraphFile, machine: str
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


async def test_a_version_is_opened_in_comfyui_by_a_link(
    comfyd: Comfyd, graph_file: GraphFile, machine: str
) -> None:
    other = card() | {"4": node("SaveImage", images=["2", 0], filename_prefix="again")}
    for graph in (card(), other):
        comfyd("workflow", "push", graph_file(graph), "--name", "opened")
    versions = comfyd("workflow", "list", "opened", "--json").json
    links = [
        comfyd("workflow", "edit", "opened", "--machine", machine).out.strip(),
        comfyd("workflow", "edit", "opened", "1", "--machine", machine, "--json").json["url"],
    ]
    assert [parse_qs(urlsplit(link).query)["workflow_version_id"] for link in links] == [
        [version["version_id"]] for version in versions
    ]
    assert comfyd("workflow", "edit", "opened", "3", "--machine", machine).code == 4
    assert comfyd("workflow", "edit", "opened", "--machine", "none").code == 4
    assert comfyd("workflow", "edit", "nothing").code == 4


async def test_each_reason_against_a_machine_is_a_line(
    comfyd: Comfyd, graph_file: GraphFile, machine: str
) -> None:
    missing = {n: {"class_type": f"Missing{n}", "inputs": {}} for n in ("8", "9")}
    comfyd("workflow", "push", graph_file(card() | missing), "--name", "lacking")

    async def told() -> list[str]:
        lines = comfyd("workflow", "machines", "lacking", "1").out.splitlines()
        return [line for line in lines if "Missing" in line]

    lines = await eventually(told)
    assert ["Missing8" in lines[0], "Missing9" in lines[1], len(lines)] == [True, True, 2]
    assert machine in lines[0]


async def test_machines_are_looked_after(comfyd: Comfyd, machine: str) -> None:
    assert comfyd("machine", "drain", machine, "--json").json["state"] == "draining"
    assert comfyd("machine", "resume", machine, "--json").json["state"] == "active"
    assert comfyd("machine", "rename", machine, "case", "--json").json["name"] == "case"
    assert comfyd("machine", "show", "case", "--json").json["name"] == "case"
    assert comfyd("machine", "history", "case").code == 0
    assert comfyd("machine", "remove", "case", "--force").code == 0
    assert comfyd("machine", "show", "case").code == 4


async def test_a_machine_is_given_a_header_and_an_account(comfyd: Comfyd) -> None:
    header, account = ("--header", "X-API-Key: a:b"), ("--comfy-key", "comfyui-key")
    added = comfyd("machine", "add", "walled", "http://127.0.0.1:9", *header, *account, "--json")
    assert (added.json["header"], added.json["has_comfy_api_key"]) == ("X-API-Key", True)
    changed = comfyd("machine", "header", "walled", "X-Other", "--value", "v", "--json")
    assert changed.json["header"] == "X-Other"
    assert "X-Other" in comfyd("machine", "show", "walled").out
    without = comfyd("machine", "header", "walled", "X-Other", "--value", "", "--json")
    assert without.json["header"] is None
    without = comfyd("machine", "comfy-key", "walled", "--comfy-key", "", "--json")
    assert without.json["has_comfy_api_key"] is False
    comfyd("machine", "remove", "walled")


async def test_a_push_warns_of_inputs_that_are_none(comfyd: Comfyd, graph_file: GraphFile) -> None:
    graph = card() | {"9": node("ComfyUIDeployExternalOfTomorrow", input_id="style")}
    pushed = comfyd("workflow", "push", graph_file(graph), "--name", "odd")
    assert pushed.code == 0
    assert "warning: node 9 (ComfyUIDeployExternalOfTomorrow)" in " ".join(pushed.out.split())


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
    comfyd("machine", "add", "dead", "http://127.0.0.1:9")
    dead = next(c for c in comfyd("doctor", "--json").json["checks"] if "dead" in c["name"])
    assert (dead["ok"], dead["code"]) == (False, "machine_silent")
    comfyd("machine", "remove", "dead")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_shells_get_their_completion(comfyd: Comfyd, shell: str) -> None:
    assert "_COMFYD_COMPLETE" in comfyd("completion", shell).out
