"""The timeline says where a run is, why it waits, and what took how long."""

from typing import Any

from infra.jetstream.event_store import JetStreamEventStore
from tests.e2e.graphs import MISSING, card, slow
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant


async def timeline(tenant: Tenant, run_id: str, language: str = "en") -> Json:
    """Read a timeline."""
    answer = await tenant.http.get(
        f"/v1/runs/{run_id}/timeline", headers={"Accept-Language": language}
    )
    return dict(answer.raise_for_status().json())


async def waits_for(tenant: Tenant, run_id: str, reason: str | None) -> Json:
    """Wait until a run waits for that."""

    async def look() -> Json | None:
        found = await timeline(tenant, run_id)
        now = found["waiting"]["reason"] if found["waiting"] else None
        return found if now == reason else None

    return await eventually(look, within=30)


async def test_the_timeline_of_a_run_that_went_well(ada: Tenant) -> None:
    deployment = await ada.deploy(slow(seconds=1.5, steps=30))
    run = await ada.run(deployment, {"seed": 815})

    found = await timeline(ada, run["id"])

    assert (found["run_id"], found["status"], found["waiting"]) == (run["id"], "success", None)
    phases = {phase["name"]: phase["seconds"] for phase in found["phases"]}
    assert phases["running"] >= 1
    assert found["phases"][0]["name"] == "not-started"
    assert [(p["attempt"], p["machine_id"], p["reason"]) for p in found["placements"]] == [
        (1, run["machine_id"], "deployment")
    ]
    nodes: dict[str, Any] = {node["node_id"]: node for node in found["nodes"]}
    assert nodes["4"]["class_type"] == "StandinSlow"
    assert 1 <= nodes["4"]["seconds"] < 10
    [upload] = found["uploads"]
    assert (upload["role"], upload["bytes"] > 0) == ("output", True)
    assert found["retries"] == []
    positions = [int(entry["position"]) for entry in found["entries"]]
    assert positions == sorted(positions)
    assert [found["entries"][0]["what"], found["entries"][-1]["what"]] == ["accepted", "succeeded"]
    chinese = await timeline(ada, run["id"], "zh-CN,en;q=0.5")
    assert chinese["entries"][0]["what"] == "已接受"

    seconds = run["seconds"]
    assert 1.2 <= seconds["render"] == seconds["gpu"] <= phases["running"] + 0.5
    assert seconds["wait"] + seconds["render"] <= seconds["total"] + 0.002

    again = await ada.run(deployment, {"seed": 815})
    assert again["seconds"]["render"] < 1
    cached = {n["node_id"] for n in (await timeline(ada, again["id"]))["nodes"] if n["cached"]}
    assert {"3", "4"} <= cached


async def test_the_log_has_the_names_and_seconds_of_a_run(
    log: JetStreamEventStore, ada: Tenant
) -> None:
    deployment = await ada.deploy(card(), name="names in the log")
    run = await ada.run(deployment, {"colour": 7})

    facts = {e.type: e.event for e in await log.read(f"run-{run['id']}")}

    ending = facts["run.status_changed.v1"].ending
    assert facts["run.created.v1"].workflow_name == ending.workflow_name == "names in the log"
    assert facts["run.claimed.v1"].machine_name == ending.machine_name == "local"
    assert facts["run.outputs_produced.v1"].render_seconds == ending.render_seconds
    assert ending.began_at.isoformat() == run["started_at"].replace("Z", "+00:00")
    assert ending.total_seconds == run["seconds"]["total"]


async def test_a_run_behind_others_waits_for_its_turn(ada: Tenant) -> None:
    deployment = await ada.deploy(slow())
    ahead = [await ada.start(deployment, {"seed": seed}) for seed in (101, 102)]
    behind = await ada.start(deployment, {"seed": 103})

    # Two are on the machine: one renders, one waits in the machine's own queue.
    await waits_for(ada, ahead[1], "comfyui_queue")
    found = await waits_for(ada, behind, "machine_queue")
    assert found["waiting"]["machine_id"] in found["waiting"]["detail"]

    for run_id in (behind, *reversed(ahead)):
        await ada.cancel(run_id)
        await ada.ended(run_id)


async def test_a_run_whose_machine_died_says_so_until_the_machine_is_back(
    ada: Tenant, system: System
) -> None:
    url, folder = system.another_machine_url(), system.folder / "mortal"
    folder.mkdir()
    system.start_machine("mortal", url, folder)
    deployment = await ada.deploy(slow(seconds=3, steps=30), machine_url=url, name="mortal")
    run_id = await ada.start(deployment, {"seed": 1})
    await ada.reaches(run_id, "running")

    system.kill("mortal")
    found = await waits_for(ada, run_id, "machine_unreachable")
    assert found["status"] == "running"
    assert "does not answer" in found["waiting"]["detail"]

    system.start("mortal")
    run = await ada.ended(run_id, within=60)
    assert (run["status"], run["attempt"]) == ("success", 2)
    found = await timeline(ada, run_id)
    assert found["waiting"] is None
    assert [placement["reason"] for placement in found["placements"]] == ["deployment", "retry"]
    assert [retry["attempt"] for retry in found["retries"]] == [1]
    system.end("mortal")


async def test_the_timeline_of_somebody_else_is_not_there(ada: Tenant, bob: Tenant) -> None:
    run = await ada.run(await ada.deploy(slow(seconds=0, steps=1)), {"seed": 1})
    for run_id in (run["id"], MISSING, "no-id"):
        assert (await bob.http.get(f"/v1/runs/{run_id}/timeline")).status_code == 404
