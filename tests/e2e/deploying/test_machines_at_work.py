"""Machines at work: seen, used with their secrets, drained, removed, asked what they can run."""

from pathlib import Path
from uuid import uuid4

from msgspec.structs import replace

from events.envelope import AnyRecorded
from events.ids import batch_run_id
from infra.jetstream.event_store import JetStreamEventStore
from tests.e2e.batches import done, make
from tests.e2e.graphs import card, external, node, slow
from tests.e2e.machines import TOKEN, do, observed, register
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant


async def test_a_machine_behind_a_token_is_seen_and_renders_and_the_token_is_shown_to_nobody(
    ada: Tenant, system: System, own: str, name: str
) -> None:
    machine = await register(ada, name, own, token=TOKEN)
    assert machine["has_token"] is True
    seen = await observed(ada, machine["id"])
    assert seen["snapshot"]["comfyui_version"] == "0.33.0"
    assert seen["snapshot"]["models"]["checkpoints"] == ["standin.safetensors"]

    deployment = await deploy(ada, card(), machine["id"])
    assert (await ada.run(deployment))["status"] == "success"

    history = (await ada.http.get(f"/v1/machines/{machine['id']}/history")).json()
    for told in (machine, seen, history, system.log_of("worker"), system.log_of("api")):
        assert TOKEN not in str(told)


async def test_header_and_account_of_a_machine_are_used_and_shown_to_nobody(
    ada: Tenant, system: System, tmp_path: Path, name: str
) -> None:
    url, called = system.another_machine_url(), f"own-{uuid4().hex[:8]}"
    system.start_machine(called, url, tmp_path, "--header", f"X-API-Key: {TOKEN}")
    header, account = {"name": "X-API-Key", "value": TOKEN}, "comfyui-nobody-may-see-this-either"
    machine = await register(ada, name, url, header=header, comfy_api_key=account)
    assert (machine["header"], machine["has_comfy_api_key"]) == ("X-API-Key", True)
    assert machine["has_token"] is False
    seen = await observed(ada, machine["id"])

    async def well() -> bool:
        return f"machine {name}" not in await faulty(ada)

    await eventually(well)
    deployment = await deploy(ada, card() | {"9": node("StandinAccount")}, machine["id"])
    run = await ada.run(deployment)
    assert run["status"] == "success", run["error"]
    assert "the account is ***" in [output["text"] for output in run["outputs"]]

    path = f"/v1/machines/{machine['id']}"
    moved = await ada.http.patch(path, json={"url": "http://127.0.0.1:1"})
    assert (moved.status_code, moved.json()["code"]) == (422, "machine_token_needed")
    assert [e["pointer"] for e in moved.json()["errors"]] == ["/header", "/comfy_api_key"]
    for body, expected in (
        ({"header": {**header, "value": "other"}}, {"header": "X-API-Key"}),
        ({"header": None}, {"header": None, "has_comfy_api_key": True}),
        ({"comfy_api_key": None}, {"has_comfy_api_key": False}),
        ({"url": "http://127.0.0.1:1"}, {"url": "http://127.0.0.1:1"}),
    ):
        answer = await ada.http.patch(path, json=body)
        assert expected.items() <= answer.json().items(), answer.text
    history = (await ada.http.get(f"{path}/history")).json()
    said = [entry["type"] for entry in history["data"]]
    assert said[:4] == [
        "machine.moved",
        "machine.comfy_key_sealed",
        "machine.header_sealed",
        "machine.header_sealed",
    ]
    for told in (machine, seen, run, history, system.log_of("worker"), system.log_of("api")):
        assert TOKEN not in str(told)
        assert account not in str(told)
    system.end(called)


async def faulty(tenant: Tenant) -> set[str]:
    """Name the parts with which the doctor finds fault."""
    checks = (await tenant.http.get("/v1/doctor")).json()["checks"]
    return {check["name"] for check in checks if not check["ok"]}


async def deploy(tenant: Tenant, graph: Json, machine_id: str) -> str:
    """Promote a workflow of its own on a machine; give the deployment's id."""
    pushed = await tenant.http.post("/v1/workflows", json={"name": f"w {uuid4()}", "graph": graph})
    path = f"/v1/workflows/{pushed.json()['workflow_id']}/deployments/production"
    answer = await tenant.http.put(path, json={"version": 1, "machine_id": machine_id})
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


async def test_runs_wait_for_a_drained_machine_and_the_claimed_one_finishes(
    ada: Tenant, own: str, name: str
) -> None:
    machine = (await register(ada, name, own, token=TOKEN))["id"]
    deployment = await deploy(ada, slow(seconds=1.5, steps=10), machine)
    claimed = await ada.start(deployment, {"seed": 1})
    await ada.reaches(claimed, "running")
    assert (await do(ada, machine, "drain"))["state"] == "draining"
    waiting = await ada.start(deployment, {"seed": 2})

    assert (await ada.ended(claimed))["status"] == "success"
    refused = await ada.http.delete(f"/v1/machines/{machine}")
    assert (refused.status_code, refused.json()["code"]) == (409, "machine_busy")
    assert (await ada.read(waiting))["status"] == "not-started"

    assert (await do(ada, machine, "disable"))["state"] == "disabled"
    assert (await do(ada, machine, "resume"))["state"] == "active"
    assert (await ada.ended(waiting))["status"] == "success"


async def test_a_machine_removed_by_force_fails_the_runs_that_wait_for_it(
    ada: Tenant, system: System, name: str
) -> None:
    machine = (await register(ada, name, "http://127.0.0.1:1"))["id"]
    await do(ada, machine, "disable")
    deployment = await deploy(ada, card(), machine)
    waiting = await ada.start(deployment)
    # At once, before the read models can know of the run: nothing may slip through.
    busy = await ada.http.delete(f"/v1/machines/{machine}")
    assert (busy.status_code, busy.json()["code"]) == (409, "machine_busy")
    removed = await ada.http.delete(f"/v1/machines/{machine}", params={"force": "true"})
    assert removed.json()["state"] == "removed"
    ended = await ada.ended(waiting)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "machine_missing")

    # Workers stop listening for it in the end; a run that comes even later is failed all the same.
    async def left() -> bool:
        return any(
            "worker.left_machine" in line and machine in line
            for line in system.log_of("worker").splitlines()
        )

    await eventually(left)
    later = await ada.ended(await ada.start(deployment))
    assert later["error"]["code"] == "machine_missing"


async def test_runs_that_a_batch_has_promised_keep_their_machine(
    ada: Tenant, name: str, log: JetStreamEventStore
) -> None:
    """The batch was accepted; before any run of it was made, the API died."""
    machine = (await register(ada, name, "http://127.0.0.1:1"))["id"]
    await do(ada, machine, "disable")
    deployment = await deploy(ada, card(), machine)
    made = await make(ada, deployment, [{}])
    await ada.http.post(f"/v1/batches/{made['id']}/cancel")
    await done(ada, made["id"])
    await log.append([await promise_like(log, made["id"])], expected=0)

    busy = await ada.http.delete(f"/v1/machines/{machine}")

    assert (busy.status_code, busy.json()["code"]) == (409, "machine_busy")


async def promise_like(log: JetStreamEventStore, batch_id: str) -> AnyRecorded:
    """Return the promise of a batch, for another batch."""
    first = (await log.read(f"batch-{batch_id}"))[0]
    new = uuid4()
    items = tuple(replace(item, run_id=batch_run_id(new, 0)) for item in first.event.items)
    event = replace(first.event, batch_id=new, items=items)
    return replace(first, aggregate=f"batch-{new}", id=uuid4(), event=event)


async def test_which_machines_can_run_a_version_and_why_not(
    ada: Tenant, system: System, name: str
) -> None:
    good = (await register(ada, name, system.machine_url))["id"]
    never = (await register(ada, f"{name} away", "http://127.0.0.1:1"))["id"]
    await observed(ada, good)
    graph = card() | {
        "8": external("Checkpoint", "checkpoint", default_value="missing.safetensors"),
        "9": node("CheckpointLoaderSimple", ckpt_name=["8", 0]),
        "10": node("MyCustomNode", image=["2", 0]),
        "11": node("CLIPTextEncode", clip=["9", 1], text="a"),
        "12": node("PreviewAny", source=["11", 0]),
    }
    fine = await placements(ada, card())
    assert fine[good] == []
    assert fine[never] == [("machine_never_observed", "")]
    await do(ada, good, "drain")
    told = await placements(ada, graph, until={good: "machine_draining"})
    assert told[good] == [
        ("machine_draining", ""),
        ("node_unknown", "10"),
        ("node_value_not_an_option", "9"),
    ]


async def placements(
    tenant: Tenant, graph: Json, until: dict[str, str] | None = None
) -> dict[str, list[tuple[str, str]]]:
    """Push a graph and ask where it can run, until the machines are known to be so."""
    body = {"name": f"w {uuid4()}", "graph": graph}
    workflow = (await tenant.http.post("/v1/workflows", json=body)).json()["workflow_id"]
    path = f"/v1/workflows/{workflow}/versions/1/machines"

    async def ask() -> dict[str, list[tuple[str, str]]] | None:
        answer = await tenant.http.get(path, params={"limit": 100})
        assert answer.is_success, answer.text
        found = {
            one["machine_id"]: sorted((r["code"], r["node_id"]) for r in one["reasons"])
            for one in answer.json()["data"]
        }
        assert all(one["can_run"] == (not one["reasons"]) for one in answer.json()["data"])
        known = all((code, "") in found.get(m, []) for m, code in (until or {}).items())
        return found if known else None

    return await eventually(ask)


async def test_a_look_is_asked_for_and_the_history_tells_in_words_what_happened(
    ada: Tenant, own: str, name: str
) -> None:
    machine = (await register(ada, name, own))["id"]  # without its token: nobody gets in
    assert (await ada.http.get(f"/v1/machines/{machine}")).json()["snapshot"] is None
    answer = await ada.http.patch(f"/v1/machines/{machine}", json={"token": TOKEN})
    assert answer.is_success
    assert (await ada.http.post(f"/v1/machines/{machine}/refresh")).status_code == 202
    await observed(ada, machine)
    english = (await ada.http.get(f"/v1/machines/{machine}/history")).json()["data"]
    assert [one["type"] for one in english] == [
        "machine.observed",
        "machine.token_sealed",
        "machine.registered",
    ]
    assert english[0]["what"].startswith("looked at: ComfyUI 0.33.0, ")
    assert english[0]["by"].startswith("worker:")
    assert english[2]["by"] == "user:ada"
    chinese = await ada.http.get(
        f"/v1/machines/{machine}/history", headers={"Accept-Language": "zh"}
    )
    assert chinese.json()["data"][1]["what"] == "令牌已更换"
