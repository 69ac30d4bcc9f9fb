"""An import that is repeated adds what is new, doubles nothing and takes nothing back."""

from pathlib import Path

from tests.e2e.cli.importing import Old, client, coloured, imported, outcomes, runs
from tests.e2e.command_line import Comfyd, started
from tests.e2e.system import SECRET, System, eventually


async def test_an_import_is_repeated_without_doubling_and_takes_nothing_back(
    comfyd: Comfyd, system: System, old: Old
) -> None:
    first = imported(comfyd, old)
    targets = {
        line["id"]: line["target_id"] for line in first["lines"] if line["kind"] != "machine"
    }
    deployment = targets[old.ids["production"]]
    async with client(system, old.valid) as http:
        found = (await http.get(f"/v1/deployments/{deployment}")).json()
        path = f"/v1/workflows/{found['workflow_id']}"
        promoted = await http.put(f"{path}/deployments/production", json={"version": 3})
        assert promoted.status_code == 200, promoted.text
        [gpu] = (await http.get("/v1/machines?name=gpu")).json()["data"]
        renamed = await http.patch(f"/v1/machines/{gpu['id']}", json={"name": "renamed here"})
        assert renamed.status_code == 200, renamed.text

        again = imported(comfyd, old)

        machines = (await http.get("/v1/machines")).json()["data"]
        assert {machine["name"] for machine in machines} == {"renamed here", "gpu (2)"}
        assert len((await http.get(path)).json()["versions"]) == 3
        assert (await http.get(f"/v1/deployments/{deployment}")).json()["version"] == 3
    assert {line["outcome"] for line in again["lines"]} == {"same", "left_out"}
    assert {line["id"]: line["target_id"] for line in again["lines"]}.items() >= targets.items()
    found = outcomes(again, old)
    assert {name: found[name] for name in ("production", "v1", "gpu", "revoked")} == {
        "production": ("same", ["deployment_kept"]),
        "v1": ("same", []),
        "gpu": ("same", ["renamed"]),
        "revoked": ("same", ["key_revoked"]),
    }


async def test_what_changes_there_meanwhile_comes_with_the_next_import(
    comfyd: Comfyd, system: System, old: Old
) -> None:
    for name in ("gone", "gone twin"):
        old.ids[name] = await old.database.add("workflows", name="vase", user_id=old.mia)
        await old.version(name, 1, coloured(44))
    first = imported(comfyd, old)
    targets = {line["id"]: line["target_id"] for line in first["lines"]}
    ids, change = old.ids, old.database.change
    ids["v5"] = await old.version("poster", 5, coloured(55))
    await change("deployments", ids["production"], workflow_version_id=ids["v5"])
    await change("api_keys", ids["longer"], revoked=True)
    # The workflow that had the name first is gone: its twin keeps the other one all the same.
    await old.database.remove("workflows", ids.pop("gone"))
    ids["third"] = await old.database.add("workflows", name="vase (2)", user_id=old.mia)
    ids["third v1"] = await old.version("third", 1, coloured(77))
    ids["gone twin v2"] = await old.version("gone twin", 2, coloured(66))

    again = imported(comfyd, old)

    async with client(system, old.valid) as http:
        deployment = targets[ids["production"]]
        assert (await http.get(f"/v1/deployments/{deployment}")).json()["version"] == 4
        await runs(http, ids["production"])
        workflows = (await http.get("/v1/workflows")).json()["data"]
    async with client(system, old.longer) as http:
        assert (await http.get("/v1/runs")).status_code == 401
    found = outcomes(again, old)
    changed = {name: line for name, line in found.items() if line[0] == "new"}
    assert changed == {
        "poster": ("new", []),
        "v5": ("new", ["version_number"]),
        "gone twin": ("new", ["renamed"]),
        "gone twin v2": ("new", []),
        "third": ("new", ["renamed"]),
        "third v1": ("new", []),
        "production": ("new", []),
        "longer": ("new", ["key_revoked"]),
    }
    assert {one["name"]: one["version_count"] for one in workflows} == {
        "poster": 4,
        "poster (2)": 1,
        "vase": 1,
        "vase (2)": 2,
        "vase (2) (2)": 1,
    }
    [gone] = [line for line in again["lines"] if line["id"] is None]
    assert (gone["name"], [note["code"] for note in gone["notes"]]) == ("vase", ["gone"])


async def test_an_id_whose_machine_cannot_move_leads_to_what_is_deployed_by_hand(
    comfyd: Comfyd, system: System, old: Old
) -> None:
    old.ids["no address"] = await old.database.add(
        "machines", name="no address", endpoint="none yet", user_id=old.mia
    )
    old.ids["nowhere"] = await old.deployment("twin", "t2", "public-share", "no address")
    first = imported(comfyd, old)
    found = outcomes(first, old)
    assert found["no address"] == ("left_out", ["refused"])
    assert found["nowhere"] == found["on modal"] == ("left_out", ["machine_missing"])
    targets = {line["id"]: line["target_id"] for line in first["lines"]}
    async with client(system, old.valid) as http:
        [gpu] = (await http.get("/v1/machines?name=gpu")).json()["data"]
        for environment in ("staging", "public-share"):
            path = f"/v1/workflows/{targets[old.ids['twin']]}/deployments/{environment}"
            deployed = await http.put(path, json={"version": 1, "machine_id": gpu["id"]})
            assert deployed.is_success, deployed.text

        again = outcomes(imported(comfyd, old), old)

        for name in ("nowhere", "on modal"):
            assert again[name] == ("same", ["deployment_by_hand"])
            await runs(http, old.ids[name])


async def test_an_import_that_is_killed_goes_on_where_it_was(
    comfyd: Comfyd, system: System, old: Old, tmp_path: Path
) -> None:
    for number in range(30):
        await old.version("twin", 10 + number, coloured(1000 + number))
    command = ("import", "comfyui-deploy", "--from", old.database.url, "--json")
    async with client(system, old.valid) as http:

        async def pushed() -> int:
            workflows = (await http.get("/v1/workflows")).json()["data"]
            return sum(one["version_count"] for one in workflows)

        async def under_way() -> bool:
            return await pushed() > 5

        async with started(system, tmp_path, *command, env={"JWT_SECRET": SECRET}) as process:
            await eventually(under_way)
            process.kill()
            await process.wait()
        assert await pushed() < 34

        again = imported(comfyd, old)
        whole = imported(comfyd, old)

        assert await pushed() == 34
        assert len((await http.get("/v1/machines")).json()["data"]) == 2
        assert {m["name"]: m["state"] for m in (await http.get("/v1/machines")).json()["data"]} == {
            "gpu": "active",
            "gpu (2)": "disabled",
        }
        await runs(http, old.ids["production"])
    assert {line["outcome"] for line in again["lines"]} == {"new", "same", "left_out"}
    assert {line["outcome"] for line in whole["lines"]} == {"same", "left_out"}
