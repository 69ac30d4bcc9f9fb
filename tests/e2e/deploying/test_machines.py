"""Machines from outside: registered, changed, drained, removed, seen, asked what they can run."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from events.envelope import AnyRecorded
from events.ids import batch_run_id
from infra.jetstream.event_store import JetStreamEventStore
from infra.postgres import connect
from tests.e2e.batches import done, make
from tests.e2e.graphs import card, external, node, slow
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant

pytestmark = pytest.mark.anyio

TOKEN = "a-token-that-nobody-may-see"


@pytest.fixture
def name() -> str:
    return f"machine {uuid4()}"


@pytest.fixture
async def own(system: System, tmp_path: Path) -> AsyncIterator[str]:
    """Give the URL of a machine that only this test uses, and that wants a token."""
    url = system.another_machine_url()
    called = f"own-{uuid4().hex[:8]}"
    system.start_machine(called, url, tmp_path, "--token", TOKEN)
    yield url
    system.end(called)


async def register(tenant: Tenant, name: str, url: str, **more: Any) -> Json:
    answer = await tenant.http.post("/v1/machines", json={"name": name, "url": url, **more})
    assert answer.is_success, answer.text
    return dict(answer.json())


async def observed(tenant: Tenant, machine_id: str) -> Json:
    """Wait until somebody has looked at a machine."""

    async def look() -> Json | None:
        machine = (await tenant.http.get(f"/v1/machines/{machine_id}")).json()
        return machine if machine["snapshot"] else None

    return await eventually(look)


async def do(tenant: Tenant, machine: str, what: str, **json: Any) -> Json:
    answer = await tenant.http.post(f"/v1/machines/{machine}/{what}", **json)
    assert answer.is_success, answer.text
    return dict(answer.json())


async def listed(tenant: Tenant, machine: str, **query: str) -> bool:
    answer = await tenant.http.get("/v1/machines", params={"limit": "100", **query})
    return machine in {one["id"] for one in answer.json()["data"]}


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


@pytest.mark.parametrize(
    ("header", "where", "code"),
    [
        ({"name": "Host", "value": "x"}, "/header/name", "machine_header_reserved"),
        ({"name": "Sec-WebSocket-Key", "value": "x"}, "/header/name", "machine_header_reserved"),
        ({"name": "X Y", "value": "x"}, "/header/name", "field_characters"),
        ({"name": "X", "value": "a\r\nHost: b"}, "/header/value", "field_characters"),
        ({"name": "X", "value": "x", "more": 1}, "/header/more", "field_unknown"),
    ],
)
async def test_a_header_that_cannot_be_one_is_refused(
    ada: Tenant, name: str, header: Json, where: str, code: str
) -> None:
    body = {"name": name, "url": "http://127.0.0.1:1", "header": header}
    refused = await ada.http.post("/v1/machines", json=body)
    [problem] = refused.json()["errors"]
    assert (refused.status_code, problem["pointer"], problem["code"]) == (400, where, code)


async def deploy(tenant: Tenant, graph: Json, machine_id: str) -> str:
    """Promote a workflow of its own on a machine; give the deployment's id."""
    pushed = await tenant.http.post("/v1/workflows", json={"name": f"w {uuid4()}", "graph": graph})
    path = f"/v1/workflows/{pushed.json()['workflow_id']}/deployments/production"
    answer = await tenant.http.put(path, json={"version": 1, "machine_id": machine_id})
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


async def test_the_same_name_again_moves_a_machine_but_takes_no_token_along(
    ada: Tenant, name: str
) -> None:
    first = await register(ada, name, "http://127.0.0.1:1", token=TOKEN)
    assert (await register(ada, name, "http://127.0.0.1:1"))["has_token"] is True
    body = {"name": name, "url": "http://127.0.0.1:2"}
    refused = await ada.http.post("/v1/machines", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "machine_token_needed")
    moved = await register(ada, name, "http://127.0.0.1:2", token="other")
    assert (moved["id"], moved["url"]) == (first["id"], "http://127.0.0.1:2")


async def test_a_machine_is_changed_in_parts(ada: Tenant, name: str) -> None:
    machine = await register(ada, name, "http://127.0.0.1:1", token=TOKEN)
    path = f"/v1/machines/{machine['id']}"
    for body, expected in (
        ({"name": f"{name} b"}, {"name": f"{name} b", "has_token": True}),
        ({"token": None}, {"has_token": False}),
        ({"url": "http://127.0.0.1:3/"}, {"url": "http://127.0.0.1:3"}),
        ({}, {"name": f"{name} b", "url": "http://127.0.0.1:3"}),
    ):
        answer = await ada.http.patch(path, json=body)
        assert answer.status_code == 200, answer.text
        assert expected.items() <= answer.json().items()


async def test_a_row_of_a_machine_that_the_log_does_not_know_takes_no_name(
    ada: Tenant, system: System, name: str
) -> None:
    other = await register(ada, f"{name} b", "http://127.0.0.1:1")

    async def known() -> bool:
        return await listed(ada, other["id"], name=f"{name} b")

    await eventually(known)
    stale, body = uuid4(), {"name": name, "url": "http://127.0.0.1:1"}
    async with connect(system.env["POSTGRES_URL"]) as connection:
        # As the tables are when the log was restored from an older backup.
        row = (
            "INSERT INTO read.machine SELECT %s, tenant, %s, machine_state,"
            " created_position, position, version, state FROM read.machine WHERE id = %s"
        )
        await connection.execute(row, (stale, name, other["id"]))
        answer = await ada.http.post("/v1/machines", json=body)
        await connection.execute("DELETE FROM read.machine WHERE id = %s", (stale,))

    assert (answer.status_code, answer.json()["name"]) == (201, name)


async def test_a_name_that_another_machine_has_is_refused(ada: Tenant, name: str) -> None:
    first = await register(ada, name, "http://127.0.0.1:1")
    second = await register(ada, f"{name} b", "http://127.0.0.1:1")

    async def known() -> bool:
        return await listed(ada, first["id"], name=name)

    await eventually(known)
    assert (await ada.http.get("/v1/machines?name=%00")).status_code == 400
    refused = await ada.http.patch(f"/v1/machines/{second['id']}", json={"name": name})
    assert (refused.status_code, refused.json()["code"]) == (409, "name_taken")


async def test_a_name_that_was_given_up_makes_another_machine(ada: Tenant, name: str) -> None:
    first = await register(ada, name, "http://127.0.0.1:1")
    assert (await ada.http.delete(f"/v1/machines/{first['id']}")).json()["state"] == "removed"
    second = await register(ada, name, "http://127.0.0.1:1")
    renamed = await ada.http.patch(f"/v1/machines/{second['id']}", json={"name": f"{name} b"})
    assert renamed.is_success, renamed.text
    third = await register(ada, name, "http://127.0.0.1:1")
    assert len({first["id"], second["id"], third["id"]}) == 3

    async def knows_the_new_name() -> bool:
        return await listed(ada, second["id"], name=f"{name} b")

    await eventually(knows_the_new_name)
    again = await register(ada, f"{name} b", "http://127.0.0.1:5")
    assert again["id"] == second["id"]


async def test_a_removed_machine_is_listed_only_when_asked_for(ada: Tenant, name: str) -> None:
    machine = (await register(ada, name, "http://127.0.0.1:1"))["id"]
    removed = await ada.http.delete(f"/v1/machines/{machine}")
    assert (removed.status_code, removed.json()["state"]) == (200, "removed")

    async def gone() -> bool:
        return await listed(ada, machine, state="removed")

    await eventually(gone)
    assert not await listed(ada, machine)
    assert (await ada.http.get(f"/v1/machines/{machine}")).json()["state"] == "removed"
    for what in ("drain", "resume", "disable", "refresh"):
        refused = await ada.http.post(f"/v1/machines/{machine}/{what}")
        assert (refused.status_code, refused.json()["code"]) == (409, "machine_removed")
    assert (await ada.http.delete(f"/v1/machines/{machine}")).status_code == 200
    unknown_state = await ada.http.get("/v1/machines", params={"state": "broken"})
    assert unknown_state.status_code == 400


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal"])
async def test_addresses_of_cloud_metadata_are_refused_even_where_private_ones_are_allowed(
    ada: Tenant, name: str, host: str
) -> None:
    refused = await ada.http.post("/v1/machines", json={"name": name, "url": f"http://{host}/"})
    assert refused.status_code == 400
    assert [e["code"] for e in refused.json()["errors"]] == ["machine_address_private"]


async def test_where_private_machines_are_not_allowed_they_are_refused(
    ada: Tenant, system: System, name: str
) -> None:
    url = system.start_another_api("strict", COMFYD_ALLOW_PRIVATE_MACHINES="false")
    try:
        await system.until_ready(url)
        body = {"name": name, "url": "http://127.0.0.1:8188"}
        refused = await ada.http.post(f"{url}/v1/machines", json=body)
        assert [e["code"] for e in refused.json()["errors"]] == ["machine_address_private"]
    finally:
        system.end("strict")


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Evil: 1", "密", "x" * 5000])
async def test_a_token_that_is_no_header_value_is_refused(
    ada: Tenant, name: str, token: str
) -> None:
    body = {"name": name, "url": "http://127.0.0.1:1", "token": token}
    refused = await ada.http.post("/v1/machines", json=body)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert len(token) < 3 or token not in refused.text


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


async def test_a_name_that_many_register_at_once_is_new_to_one_of_them(
    ada: Tenant, name: str
) -> None:
    body = {"name": name, "url": "http://127.0.0.1:1"}
    answers = await asyncio.gather(*(ada.http.post("/v1/machines", json=body) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1


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
    """Give the promise of a batch again, for another batch."""
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


async def test_what_is_anothers_is_not_found(ada: Tenant, bob: Tenant, name: str) -> None:
    machine = (await register(ada, name, "http://127.0.0.1:1"))["id"]
    path = f"/v1/machines/{machine}"
    for method, where in (
        ("GET", path),
        ("GET", f"{path}/history"),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/drain"),
        ("POST", f"{path}/resume"),
        ("POST", f"{path}/disable"),
        ("POST", f"{path}/refresh"),
    ):
        answer = await bob.http.request(method, where, json={} if method == "PATCH" else None)
        assert answer.status_code == 404, f"{method} {where}"
    # The same name is another machine for another tenant.
    assert (await register(bob, name, "http://127.0.0.1:1"))["id"] != machine
