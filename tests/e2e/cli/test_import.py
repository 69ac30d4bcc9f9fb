"""`comfyd import comfyui-deploy`: what one has goes on here, and its database stays as it is."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.cli.importing import SNAPSHOT, TOKEN, Old, client, imported, left_out, outcomes, runs
from tests.e2e.command_line import Comfyd
from tests.e2e.graphs import card
from tests.e2e.node import command
from tests.e2e.system import SECRET, System
from tests.e2e.typed import script
from tests.servers.comfyui_deploy import comfyui_deploy

EXPECTED = {
    "gpu": ("new", ["machine_token"]),
    "second": ("new", ["renamed", "machine_disabled"]),
    "modal": ("left_out", ["machine_type"]),
    "poster": ("new", []),
    "nameless": ("left_out", ["renamed", "workflow_empty"]),
    "twin": ("new", ["renamed"]),
    "shared": ("new", []),
    "v1": ("new", []),
    "v3": ("new", ["version_number"]),
    "v3 again": ("new", []),
    "v4": ("same", ["version_same"]),
    "broken": ("left_out", ["refused"]),
    "t2": ("new", ["version_number"]),
    "s1": ("new", []),
    "production": ("new", []),
    "double": ("same", ["deployment_double"]),
    "preview": ("left_out", ["environment"]),
    "on modal": ("left_out", ["machine_missing"]),
    "of nothing": ("left_out", ["version_missing"]),
    "of org": ("new", []),
    "page": ("new", ["share_link"]),
    "valid": ("same", ["key_valid"]),
    "longer": ("same", ["key_valid"]),
    "revoked": ("new", ["key_revoked"]),
    "other": ("left_out", ["key_other_secret"]),
}


async def test_what_an_old_system_has_goes_on_here(
    comfyd: Comfyd, system: System, old: Old
) -> None:
    before = await old.database.everything()

    dry = imported(comfyd, old, "--dry-run")
    first = imported(comfyd, old)

    assert await old.database.everything() == before
    assert {line["outcome"] for line in dry["lines"]} == {"planned", "left_out"}
    assert left_out(dry) == left_out(first)
    assert outcomes(first, old) == EXPECTED
    assert first["not_imported"] == {"runs": 1, "outputs": 1}
    assert old.valid not in str(first)
    assert TOKEN not in str(first)
    async with client(system, old.valid) as http:
        machines = (await http.get("/v1/machines")).json()["data"]
        assert {m["name"]: m["has_token"] for m in machines} == {"gpu": True, "gpu (2)": False}
        for name in ("production", "double"):
            await runs(http, old.ids[name])
        # Every classic door knows the old ids.
        version = (await http.get(f"/api/workflow-version/{old.ids['v1']}")).json()
        assert version["snapshot"]["git_custom_nodes"] == SNAPSHOT["git_custom_nodes"]
        assert (await http.get(f"/api/workflow/{old.ids['twin']}")).json()["name"] == "poster (2)"
        assert (await http.get(f"/api/machine/{old.ids['gpu']}")).json()["name"] == "gpu"
        body = {"workflow_id": old.ids["poster"]}
        assert (await http.post("/api/create-run", json=body)).status_code == 200
    async with client(system, old.longer) as http:
        await runs(http, old.ids["production"])
        # What an organisation has is not for one of its people alone.
        refused = await http.post("/api/run", json={"deployment_id": old.ids["of org"]})
        assert refused.status_code == 404
    async with client(system, old.revoked) as http:
        assert (await http.get("/v1/runs")).status_code == 401
    async with client(system, old.of_org) as http:
        await runs(http, old.ids["of org"])
        [machine] = (await http.get("/v1/machines")).json()["data"]
        assert (machine["name"], machine["has_token"]) == ("gpu", False)


async def test_a_database_of_something_else_is_named(
    comfyd: Comfyd, server_env: Mapping[str, str]
) -> None:
    wrong = comfyd(
        "import", "comfyui-deploy", "--from", server_env["POSTGRES_URL"], "--dry-run",
        JWT_SECRET=SECRET,
    )  # fmt: skip
    away = comfyd(
        "import", "comfyui-deploy", "--from", "postgresql://127.0.0.1:9/x", "--dry-run",
        JWT_SECRET=SECRET,
    )  # fmt: skip
    assert (wrong.code, away.code) == (2, 6)
    assert "comfyui-deploy" in wrong.err
    assert "Traceback" not in wrong.err + away.err


async def test_another_secret_than_the_servers_is_named_and_one_that_no_key_knows_is_a_warning(
    comfyd: Comfyd, old: Old
) -> None:
    command = ("import", "comfyui-deploy", "--from", old.database.url)
    refused = comfyd(*command, JWT_SECRET="z" * 40)
    dry = comfyd(*command, "--dry-run", "--json", JWT_SECRET="z" * 40)
    printed = comfyd(*command, "--dry-run", JWT_SECRET=SECRET, LANG="zh_CN.UTF-8")

    assert (refused.code, refused.out) == (3, "")
    assert "JWT_SECRET" in refused.err
    [warning] = dry.json["warnings"]
    assert warning.startswith("4 of 4 keys")
    # For people the report ends with it.
    assert printed.code == 1
    assert "4 个密钥中有 1 个" in printed.out.splitlines()[-1]
    assert old.valid not in printed.out


async def test_what_the_page_about_moving_tells_to_type_works(
    system: System, server_env: Mapping[str, str], tmp_path: Path
) -> None:
    async with comfyui_deploy(server_env["POSTGRES_URL"]) as database:
        old = Old(database, system)
        ids = old.ids
        await database.user(old.mia)
        mine = {"user_id": old.mia}
        ids["gpu"] = await database.add("machines", name="gpu", endpoint=system.machine_url, **mine)
        ids["poster"] = await database.add("workflows", name="poster", **mine)
        ids["v1"] = await old.version("poster", 1, card())
        deployment = await old.deployment("poster", "v1", "production")
        await database.add("api_keys", name="shop", key=old.valid, **mine)
        env = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "COMFYD_URL": system.url,
            "JWT_SECRET": SECRET,
            "OLD": database.url,
            "OLD_KEY": old.valid,
            "OLD_DEPLOYMENT": deployment,
        }
        typed = script("coming-from-comfyui-deploy.md")
        said = await command("bash", "-euo", "pipefail", "-c", typed, folder=tmp_path, env=env)

    moved = json.loads((tmp_path / "moved.json").read_text("utf-8"))
    assert moved["counts"]["version"] == {"same": 1}
    assert json.loads(said.splitlines()[-1])["status"] == "success"
