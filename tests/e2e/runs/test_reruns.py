"""Reruns: a run again as it was, with other inputs, with the present version; or many of them."""

from base64 import b64encode
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image

from tests.builders.pictures import picture, saved
from tests.e2e.batches import colours, counted, done, make
from tests.e2e.graphs import MISSING, card, external, load, node
from tests.e2e.sse import following
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, client_of, download

Json = dict[str, Any]


def picture_of(width: int) -> str:
    data = saved("PNG", picture(width, 4))
    return "data:image/png;base64," + b64encode(data).decode()


def pixels(data: bytes) -> bytes:
    with Image.open(BytesIO(data)) as image:
        return image.convert("RGB").tobytes()


async def again(ada: Tenant, run_id: str, body: Json | None = None, **headers: str) -> Json:
    """Repeat a run and wait for the end of the new one."""
    answer = await ask(ada, run_id, body, Prefer="wait=30", **headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def ask(ada: Tenant, run_id: str, body: Json | None = None, **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await ada.http.post(f"/v1/runs/{run_id}/rerun", json=body or {}, headers=sent)


async def ask_many(ada: Tenant, body: Json, **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await ada.http.post("/v1/runs/rerun", json=body, headers=sent)


async def listed(ada: Tenant, count: int, **query: str) -> None:
    """Wait until so many runs that fit are in the lists, and have ended."""

    async def look() -> bool:
        runs = (await ada.http.get("/v1/runs", params=query)).json()["data"]
        return len(runs) == count and all(run["ended_at"] for run in runs)

    await eventually(look)


def sized() -> Json:
    """Save a card whose width and colour are inputs."""
    return {
        "1": external("NumberInt", "width", default_value=16),
        "2": external("NumberInt", "colour", default_value=255),
        "3": node("EmptyImage", width=["1", 0], height=8, batch_size=1, color=["2", 0]),
        "4": node("SaveImage", images=["3", 0], filename_prefix="sized"),
    }


async def test_a_run_is_repeated_with_all_it_had_images_too(ada: Tenant) -> None:
    first = await ada.run(await ada.deploy(load()), {"picture": picture_of(7)})

    second = await again(ada, first["id"])

    assert second["id"] != first["id"]
    assert (first["rerun_of"], second["rerun_of"]) == (None, first["id"])
    assert second["input_images"] == first["input_images"]
    [one], [two] = first["outputs"], second["outputs"]
    assert pixels(await download(one["url"])) == pixels(await download(two["url"]))
    assert (second["version_id"], second["machine_id"]) == (
        first["version_id"],
        first["machine_id"],
    )


async def test_the_lineage_is_in_the_events_of_the_new_run(ada: Tenant) -> None:
    first = await ada.run(await ada.deploy(card()))
    second = await again(ada, first["id"])

    async with following(ada.http, second["id"], after="0") as stream:
        created = await stream.next()

    assert (created.event, created.data["data"]["rerun_of"]) == ("run.created", first["id"])


async def test_some_inputs_may_be_others_and_null_gives_back_the_default(ada: Tenant) -> None:
    first = await ada.run(await ada.deploy(sized()), {"width": 20, "colour": 1})

    wider = await again(ada, first["id"], {"inputs": {"width": 30}})
    usual = await again(ada, wider["id"], {"inputs": {"width": None}})

    widths = [run["outputs"][0]["width"] for run in (first, wider, usual)]
    assert widths == [20, 30, 16]
    assert usual["rerun_of"] == wider["id"]


async def test_inputs_that_do_not_fit_are_refused(ada: Tenant) -> None:
    first = await ada.run(await ada.deploy(sized()), {"width": 20})

    answer = await ask(ada, first["id"], {"inputs": {"width": "wide", "size": 1}})

    problems = {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
    assert answer.status_code == 422
    assert problems == {
        ("/inputs/width", "input_not_integer"),
        ("/inputs/size", "input_unknown"),
    }


async def test_a_run_is_repeated_with_its_own_version_or_with_the_present_one(
    ada: Tenant,
) -> None:
    deployment = await ada.deploy(sized(), name="versions of reruns")
    first = await ada.run(deployment, {"colour": 2})
    changed = sized()
    changed["3"]["inputs"]["height"] = 9
    await ada.deploy(changed, name="versions of reruns")

    same = await again(ada, first["id"])
    current = await again(ada, first["id"], {"version": "current"})

    assert [run["version"] for run in (first, same, current)] == [1, 1, 2]
    assert [run["outputs"][0]["height"] for run in (first, same, current)] == [8, 8, 9]
    assert {run["deployment_id"] for run in (first, same, current)} == {deployment}


async def test_a_rerun_is_checked_against_the_version_that_it_will_run(ada: Tenant) -> None:
    deployment = await ada.deploy(load(), name="picture to number")
    first = await ada.run(deployment, {"picture": picture_of(4)})
    other = {
        "1": external("NumberInt", "picture", default_value=16),
        "2": node("EmptyImage", width=["1", 0], height=8, batch_size=1, color=1),
        "3": node("SaveImage", images=["2", 0], filename_prefix="sized"),
    }
    pushed = (
        await ada.http.post("/v1/workflows", json={"name": "picture to number", "graph": other})
    ).json()
    path = f"/v1/workflows/{pushed['workflow_id']}/deployments/production"
    promoted = await ada.http.put(path, json={"version": pushed["version"], "force": True})

    answer = await ask(ada, first["id"], {"version": "current"})

    [error] = answer.json()["errors"]
    assert promoted.status_code == 200, promoted.text
    assert answer.status_code == 422
    assert (error["pointer"], error["code"]) == ("/inputs/picture", "input_not_integer")


async def test_the_same_key_repeats_once(ada: Tenant) -> None:
    first = await ada.run(await ada.deploy(card()), {"colour": 5})

    one = await again(ada, first["id"], Idempotency_Key="rerun once")
    two = await ask(ada, first["id"], Idempotency_Key="rerun once")
    other = await ask(ada, first["id"], {"inputs": {"colour": 6}}, Idempotency_Key="rerun once")

    assert two.json()["id"] == one["id"]
    assert two.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


async def test_what_was_erased_cannot_be_repeated(ada: Tenant) -> None:
    run = await ada.run(await ada.deploy(sized()), {"width": 21})
    erased = await ada.http.post(f"/v1/runs/{run['id']}/erase")

    answer = await ask(ada, run["id"])

    assert erased.status_code == 202, erased.text
    assert (answer.status_code, answer.json()["code"]) == (409, "inputs_erased")


async def test_a_rerun_outlives_the_erasure_of_what_it_repeats(ada: Tenant) -> None:
    first = await ada.run(await ada.deploy(load()), {"picture": picture_of(9)})
    second = await again(ada, first["id"])
    await ada.http.post(f"/v1/runs/{first['id']}/erase")

    async def accepted() -> Json | None:
        # While the erasure gives up the picture's name, the answer is 503: again, please.
        answer = await ask(ada, second["id"])
        assert answer.status_code in {202, 503}
        return dict(answer.json()) if answer.status_code == 202 else None

    third = await ada.ended((await eventually(accepted))["id"])

    assert (third["status"], third["rerun_of"]) == ("success", second["id"])
    assert third["outputs"][0]["width"] == 9


async def test_what_belongs_to_another_tenant_cannot_be_repeated(ada: Tenant, bob: Tenant) -> None:
    run = await ada.run(await ada.deploy(card()))
    deployment = run["deployment_id"]

    one = await ask(bob, run["id"])
    nothing = await ask(bob, MISSING)
    many = await ask_many(bob, {"filter": {"deployment_id": deployment}})

    assert (one.status_code, nothing.status_code) == (404, 404)
    assert (many.status_code, many.json()["code"]) == (409, "nothing_to_rerun")


async def test_all_that_a_filter_finds_is_repeated_as_a_batch_in_order(ada: Tenant) -> None:
    deployment = await ada.deploy(sized(), name="all of it")
    first = await make(ada, deployment, [{"width": 10 + n} for n in range(4)])
    await done(ada, first["id"])
    await listed(ada, 4, batch_id=first["id"])
    body = {"filter": {"batch_id": first["id"], "status": "success"}}

    plan = await ask_many(ada, body | {"dry_run": True})
    part = await ask_many(ada, body | {"dry_run": True, "limit": 3})
    answer = await ask_many(ada, body, Idempotency_Key="rerun all")
    second = answer.json()
    ended = await done(ada, second["id"])
    replayed = await ask_many(ada, body, Idempotency_Key="rerun all")

    runs = [await ada.read(run_id) for run_id in second["runs"]]
    assert (plan.status_code, plan.json()) == (200, {"total": 4, "has_more": False, "skipped": []})
    assert part.json() == {"total": 3, "has_more": True, "skipped": []}
    assert answer.status_code == 202
    assert second["rerun"] == body["filter"]
    assert ended["counts"] == counted(success=4)
    assert {run["rerun_of"] for run in runs} == set(first["runs"])
    olds = {run_id: await ada.read(run_id) for run_id in first["runs"]}
    assert [run["outputs"][0]["width"] for run in runs] == [
        olds[run["rerun_of"]]["outputs"][0]["width"] for run in runs
    ]
    assert replayed.json()["id"] == second["id"]


@pytest.fixture
async def several(system: System) -> AsyncIterator[Tenant]:
    """Yield a tenant who has no other runs."""
    async with client_of(system, f"several-{uuid4().hex[:8]}") as http:
        yield Tenant(http, system.machine_url)


async def test_runs_of_several_deployments_are_repeated_together(several: Tenant) -> None:
    runs = [
        await several.run(await several.deploy(card(), name=name), {"colour": 77})
        for name in ("several 1", "several 2")
    ]
    since = min(run["created_at"] for run in runs)
    for run in runs:
        await listed(several, 1, deployment_id=run["deployment_id"])

    answer = await ask_many(several, {"filter": {"since": since, "status": "success"}, "limit": 2})

    batch = answer.json()
    await done(several, batch["id"])
    again_ = [await several.read(run_id) for run_id in batch["runs"]]
    assert batch["deployment_id"] is None
    assert [run["rerun_of"] for run in again_] == [run["id"] for run in runs]
    assert [run["deployment_id"] for run in again_] == [run["deployment_id"] for run in runs]


async def test_what_cannot_be_repeated_is_left_out_and_named(ada: Tenant) -> None:
    deployment = await ada.deploy(sized(), name="some erased")
    made = await make(ada, deployment, [{"width": 11}, {"width": 12}])
    await done(ada, made["id"])
    gone, kept = made["runs"]
    await ada.http.post(f"/v1/runs/{gone}/erase")
    await listed(ada, 2, batch_id=made["id"])

    answer = await ask_many(ada, {"filter": {"batch_id": made["id"]}})

    [skipped] = answer.json()["skipped"]
    await done(ada, answer.json()["id"])
    [run_id] = answer.json()["runs"]
    assert (skipped["run_id"], skipped["code"]) == (gone, "inputs_erased")
    assert (await ada.read(run_id))["rerun_of"] == kept


async def test_nothing_is_repeated_by_accident(ada: Tenant) -> None:
    await ada.run(await ada.deploy(card()))

    empty = await ask_many(ada, {"filter": {}})
    none = await ask_many(ada, {})
    misspelt = await ask_many(ada, {"filter": {"state": "failed"}})

    assert {answer.status_code for answer in (empty, none, misspelt)} == {400}
    assert [answer.json()["errors"][0]["code"] for answer in (empty, none, misspelt)] == [
        "filter_empty",
        "field_missing",
        "field_unknown",
    ]


async def test_the_runs_of_a_batch_can_be_repeated_one_by_one(ada: Tenant) -> None:
    made = await make(ada, await ada.deploy(card()), colours(1, 44))
    await done(ada, made["id"])

    run = await again(ada, made["runs"][0])

    assert (run["rerun_of"], run["batch_id"]) == (made["runs"][0], None)
