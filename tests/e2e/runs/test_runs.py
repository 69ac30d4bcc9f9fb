"""Native runs: made once, read back at once, listed, and seen by nobody else."""

import asyncio

import pytest

from infra.jetstream.event_store import JetStreamEventStore
from tests.e2e.graphs import MISSING, card, slow
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, client_of, download


async def test_a_run_that_is_waited_for_comes_with_its_outputs(ada: Tenant) -> None:
    deployment = await ada.deploy(card())

    answer = await ada.create(deployment, {"colour": 66}, Prefer="wait=30")

    run = answer.json()
    [output] = run["outputs"]
    data = await download(output["url"])
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=30"
    assert answer.headers["Location"] == f"/v1/runs/{run['id']}"
    assert (run["status"], run["attempt"], run["error"]) == ("success", 1, None)
    assert data.startswith(b"\x89PNG")
    assert (output["bytes"], output["media_type"]) == (len(data), "image/png")
    assert (output["width"], output["height"]) == (16, 8)


async def test_a_wait_that_is_too_short_answers_with_the_run_as_it_is(ada: Tenant) -> None:
    deployment = await ada.deploy(slow())

    answer = await ada.create(deployment, {"seed": 201}, Prefer="respond-async, wait=1")

    run_id = answer.json()["id"]
    await ada.cancel(run_id)
    await ada.ended(run_id)
    assert answer.status_code == 202
    assert answer.json()["ended_at"] is None


async def test_a_new_run_can_be_read_at_once_and_through_any_api(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(card())
    url = system.start_another_api("api-2")
    await system.until_ready(url)
    async with client_of(system, "ada", url=url) as other:
        for colour in range(10):
            made = (await ada.create(deployment, {"colour": colour})).json()
            here = await ada.http.get(f"/v1/runs/{made['id']}")
            there = await other.get(f"/v1/runs/{made['id']}", params={"at_least": made["position"]})
            for answer in (here, there):
                assert answer.status_code == 200
                assert int(answer.json()["position"]) >= int(made["position"])
            await ada.ended(made["id"])
    system.end("api-2")


async def test_the_same_key_gives_the_same_run_also_to_many_at_once(
    ada: Tenant, log: JetStreamEventStore
) -> None:
    deployment = await ada.deploy(card())

    answers = await asyncio.gather(
        *(ada.create(deployment, {"colour": 3}, Idempotency_Key="ten") for _ in range(10))
    )
    [run_id] = {answer.json()["id"] for answer in answers}
    ended = await ada.ended(run_id)
    again = await ada.create(deployment, {"colour": 3}, Idempotency_Key="ten")

    assert {answer.status_code for answer in answers} <= {200, 202}
    created = [e for e in await log.read(f"run-{run_id}") if e.type == "run.created.v1"]
    assert len(created) == 1
    assert {answer.json()["created_at"] for answer in answers} == {ended["created_at"]}
    assert (again.status_code, again.json()) == (200, ended)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1


async def test_the_same_key_with_another_body_is_a_conflict(ada: Tenant) -> None:
    deployment = await ada.deploy(card())
    first = await ada.create(
        deployment, {"colour": 4}, Idempotency_Key="conflict", Prefer="wait=30"
    )

    second = await ada.create(deployment, {"colour": 5}, Idempotency_Key="conflict")

    assert first.status_code == 200
    assert (second.status_code, second.json()["code"]) == (409, "idempotency_conflict")


async def test_the_key_of_one_tenant_means_nothing_to_another(ada: Tenant, bob: Tenant) -> None:
    hers, his = await ada.deploy(card()), await bob.deploy(card())

    first = await ada.create(hers, Idempotency_Key="shared", Prefer="wait=30")
    second = await bob.create(his, Idempotency_Key="shared", Prefer="wait=30")

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["id"] != second.json()["id"]


async def test_a_run_that_has_not_changed_is_not_sent_again(ada: Tenant) -> None:
    run = await ada.run(await ada.deploy(card()))
    path = f"/v1/runs/{run['id']}"
    tag = (await ada.http.get(path)).headers["ETag"]

    same = await ada.http.get(path, headers={"If-None-Match": tag})
    other = await ada.http.get(path, headers={"If-None-Match": '"1"'})

    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    assert (other.status_code, other.headers["ETag"]) == (200, tag)


async def test_pages_show_every_run_once_newest_first(ada: Tenant) -> None:
    deployment = await ada.deploy(card(), name="paged")
    made = [(await ada.run(deployment, {"colour": colour}))["id"] for colour in range(5)]

    async def listed() -> bool:
        answer = await ada.http.get("/v1/runs", params={"deployment_id": deployment})
        return [run["status"] for run in answer.json()["data"]] == ["success"] * 5

    await eventually(listed)
    pages, cursor = [], None
    while True:
        params = {"deployment_id": deployment, "limit": "2"} | (
            {"cursor": cursor} if cursor else {}
        )
        page = (await ada.http.get("/v1/runs", params=params)).json()
        pages.append(page)
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break

    assert [[run["id"] for run in page["data"]] for page in pages] == [
        [made[4], made[3]],
        [made[2], made[1]],
        [made[0]],
    ]
    assert all(set(page) == {"data", "has_more", "next_cursor"} for page in pages)
    assert cursor is None


async def test_a_list_can_be_narrowed_to_a_status(ada: Tenant) -> None:
    deployment = await ada.deploy(card(), name="narrowed")
    run = await ada.run(deployment)

    async def found() -> list[str]:
        params = {"status": "success", "deployment_id": deployment}
        return [r["id"] for r in (await ada.http.get("/v1/runs", params=params)).json()["data"]]

    assert await eventually(found) == [run["id"]]
    params = {"status": "failed", "deployment_id": deployment}
    assert (await ada.http.get("/v1/runs", params=params)).json()["data"] == []


async def test_what_belongs_to_another_tenant_is_not_there(ada: Tenant, bob: Tenant) -> None:
    deployment = await ada.deploy(card())
    run = await ada.run(deployment)
    paths = [
        ("GET", f"/v1/runs/{run['id']}", None),
        ("GET", f"/v1/runs/{run['id']}/events", None),
        ("POST", f"/v1/runs/{run['id']}/cancel", None),
        ("GET", f"/v1/workflows/{run['workflow_id']}", None),
        ("GET", f"/v1/deployments/{deployment}", None),
        ("GET", f"/api/status/{run['id']}", None),
        ("POST", "/v1/runs", {"deployment_id": deployment}),
        ("POST", "/api/run", {"deployment_id": deployment}),
        (
            "PUT",
            f"/v1/workflows/{run['workflow_id']}/deployments/staging",
            {"version": 1, "machine_id": run["machine_id"]},
        ),
    ]

    answers = [await bob.http.request(method, path, json=body) for method, path, body in paths]

    assert {answer.status_code for answer in answers} == {404}
    listed = (await bob.http.get("/v1/runs", params={"deployment_id": deployment})).json()
    assert listed == {"data": [], "has_more": False, "next_cursor": None}


async def test_nobody_runs_on_a_machine_of_another_tenant(ada: Tenant, bob: Tenant) -> None:
    his = await bob.machine()
    version = (await ada.http.post("/v1/workflows", json={"name": "mine", "graph": card()})).json()

    answer = await ada.http.put(
        f"/v1/workflows/{version['workflow_id']}/deployments/production",
        json={"version": version["version"], "machine_id": his},
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/v1/runs/nonsense", f"/v1/runs/{MISSING}", "/v1/elsewhere"])
async def test_what_is_nowhere_is_a_problem_document(ada: Tenant, path: str) -> None:
    answer = await ada.http.get(path)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.json()) >= {"type", "title", "status", "code"}
