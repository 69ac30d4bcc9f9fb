"""Batches: accepted whole or not at all, counted to the end, and cancelled."""

from base64 import b64encode
from typing import Any
from uuid import uuid4

import httpx
import pytest

from events.aggregates import BATCH
from events.ids import batch_run_id, keyed_batch_id
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from tests.builders.pictures import picture, saved
from tests.e2e.batches import ask, colours, counted, done, make, read
from tests.e2e.graphs import MISSING, card, load, slow
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, client_of

Json = dict[str, Any]


def picture_of(width: int) -> str:
    data = saved("PNG", picture(width, 4))
    return "data:image/png;base64," + b64encode(data).decode()


async def test_a_batch_can_be_read_at_once_and_is_counted_to_its_end(ada: Tenant) -> None:
    deployment = await ada.deploy(card())

    answer = await ask(ada, deployment, colours(5))
    made = answer.json()
    at_once = await read(ada, made["id"])
    ended = await done(ada, made["id"])

    base = f"/v1/batches/{made['id']}"
    assert answer.status_code == 202
    assert answer.headers["Location"] == base
    assert made["counts"] == counted(**{"not-started": 5})
    assert (made["status"], made["total"], made["ended_at"]) == ("open", 5, None)
    assert made["deployment_id"] == deployment
    assert made["links"] == {
        "self": base,
        "runs": f"{base}/runs",
        "events": f"{base}/events",
        "cancel": f"{base}/cancel",
    }
    assert int(at_once["position"]) >= int(made["position"])
    assert ended["counts"] == counted(success=5)
    runs = [await ada.read(run_id) for run_id in made["runs"]]
    assert [(run["batch_id"], run["batch_index"]) for run in runs] == [
        (made["id"], index) for index in range(5)
    ]
    assert ended["ended_at"] == max(run["ended_at"] for run in runs)


async def test_the_runs_of_a_batch_are_listed_and_the_batch_itself_too(ada: Tenant) -> None:
    deployment = await ada.deploy(card())
    made = await make(ada, deployment, colours(3))
    await done(ada, made["id"])

    async def listed() -> list[Json]:
        page = (await ada.http.get(made["links"]["runs"], params={"limit": 2})).json()
        query = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        rest = (await ada.http.get(made["links"]["runs"], params=query)).json()
        runs = [*page["data"], *rest["data"]]
        return runs if [run["status"] for run in runs] == ["success"] * 3 else []

    runs = await eventually(listed)
    filtered = (await ada.http.get("/v1/runs", params={"batch_id": made["id"]})).json()["data"]
    batches = (await ada.http.get("/v1/batches")).json()["data"]

    assert {run["id"] for run in runs} == set(made["runs"])
    assert {run["id"] for run in filtered} == set(made["runs"])
    [found] = [batch for batch in batches if batch["id"] == made["id"]]
    assert (found["status"], found["counts"]) == ("done", counted(success=3))


async def test_everything_wrong_with_any_run_is_told_and_nothing_is_left(
    ada: Tenant, log: JetStreamEventStore, nats: Client
) -> None:
    deployment = await ada.deploy({**load(), "colour": card()["1"]})
    good = {"picture": picture_of(4)}
    inputs: list[Json] = [
        good,
        {"picture": "data:image/png;base64,AAAA"},
        {"colour": "red"},
        {"picture": picture_of(4), "size": 1},
    ]

    answer = await ask(ada, deployment, inputs, Idempotency_Key="refused batch")

    body = answer.json()
    batch_id = keyed_batch_id("user:ada", "refused batch")
    kept = await api(nats, "STREAM.INFO.INPUTS", {"subjects_filter": "in.>"}, within=5)
    subjects = kept["state"].get("subjects") or {}
    runs = [str(batch_run_id(batch_id, index)) for index in range(4)]
    assert (answer.status_code, body["code"]) == (422, "invalid_inputs")
    assert {(e["pointer"], e["code"]) for e in body["errors"]} >= {
        ("/inputs/2/colour", "input_not_integer"),
        ("/inputs/2/picture", "input_required"),
        ("/inputs/3/size", "input_unknown"),
    }
    assert await log.read(BATCH.name(batch_id)) == []
    assert [s for s in subjects if any(run in s for run in runs)] == []
    assert (await ada.http.get(f"/v1/batches/{batch_id}")).status_code == 404


async def test_images_are_looked_at_before_any_is_stored(ada: Tenant) -> None:
    deployment = await ada.deploy(load())
    broken = "data:image/png;base64,AAAA"

    answer = await ask(ada, deployment, [{"picture": picture_of(4)}, {"picture": broken}])

    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/inputs/1/picture", "not_an_image")


async def test_every_run_of_a_batch_has_its_own_inputs(ada: Tenant) -> None:
    deployment = await ada.deploy(load())

    made = await make(ada, deployment, [{"picture": picture_of(width)} for width in (4, 5, 6)])
    await done(ada, made["id"])

    runs = [await ada.read(run_id) for run_id in made["runs"]]
    assert [run["input_images"]["picture"]["width"] for run in runs] == [4, 5, 6]
    assert [run["outputs"][0]["width"] for run in runs] == [4, 5, 6]


@pytest.mark.parametrize("count", [0, 501])
async def test_a_batch_has_at_least_one_run_and_at_most_five_hundred(
    ada: Tenant, count: int
) -> None:
    answer = await ask(ada, MISSING, colours(count))

    [error] = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (400, "/inputs")


async def test_what_does_not_fit_into_the_log_is_refused_before_anything_is_stored(
    ada: Tenant, log: JetStreamEventStore
) -> None:
    deployment = await ada.deploy(
        {
            str(number): {
                "class_type": "ComfyUIDeployExternalImage",
                "inputs": {"input_id": f"a rather long name of an input image {number:03}" * 4},
            }
            for number in range(20)
        }
        | {"out": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}}
    )
    names = [f"a rather long name of an input image {number:03}" * 4 for number in range(20)]
    one = {name: picture_of(2) for name in names}

    answer = await ask(ada, deployment, [one] * 120, Idempotency_Key="too large")

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert await log.read(BATCH.name(keyed_batch_id("user:ada", "too large"))) == []


async def test_what_belongs_to_another_tenant_is_not_there(ada: Tenant, bob: Tenant) -> None:
    deployment = await ada.deploy(card())
    made = await make(ada, deployment, colours(2))
    await done(ada, made["id"])
    paths = [
        ("GET", made["links"]["self"]),
        ("GET", made["links"]["runs"]),
        ("GET", made["links"]["events"]),
        ("POST", made["links"]["cancel"]),
        ("GET", f"/v1/batches/{MISSING}"),
    ]

    answers = [await bob.http.request(method, path) for method, path in paths]
    his = await ask(bob, deployment, colours(2))

    assert {answer.status_code for answer in (*answers, his)} == {404}
    assert (await bob.http.get("/v1/batches")).json()["data"] == []
    assert (await bob.http.get("/v1/runs", params={"batch_id": made["id"]})).json()["data"] == []


async def test_a_batch_is_no_run_and_a_run_no_batch(ada: Tenant) -> None:
    deployment = await ada.deploy(card())
    batch = await make(ada, deployment, colours(1))
    run_id = await ada.start(deployment, {"colour": 1})
    for place in (f"runs/{batch['id']}", f"batches/{run_id}"):
        # What was made a moment ago is as unknown there as any other.
        assert (await ada.http.get(f"/v1/{place}")).status_code == 404
        assert (await ada.http.post(f"/v1/{place}/cancel")).status_code == 404


async def test_a_key_for_some_deployments_sees_only_their_batches(
    system: System, ada: Tenant
) -> None:
    mine, other = await ada.deploy(card()), await ada.deploy(card(), name="not for the key")
    body = {"name": "narrow", "scopes": ["runs:write", "runs:read"], "deployments": [mine]}
    key = (await ada.http.post("/v1/keys", json=body)).json()["key"]
    made = [await make(ada, deployment, colours(1)) for deployment in (mine, other)]
    for batch in made:
        await done(ada, batch["id"])
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        base_url=system.url, headers=headers, trust_env=False, timeout=40
    ) as http:
        narrow = Tenant(http, "")
        seen = [(await http.get(batch["links"]["self"])).status_code for batch in made]
        stream = [(await http.get(batch["links"]["events"])).status_code for batch in made]
        stop = [(await http.post(batch["links"]["cancel"])).status_code for batch in made]
        created = [(await ask(narrow, d, colours(1))).status_code for d in (mine, other)]

        async def listed() -> set[str]:
            return {b["id"] for b in (await http.get("/v1/batches")).json()["data"]}

        async def has_mine() -> set[str] | None:
            ids = await listed()
            return ids if made[0]["id"] in ids else None

        ids = await eventually(has_mine)

    assert (seen, stream, stop, created) == ([200, 404], [200, 404], [200, 404], [202, 404])
    assert made[1]["id"] not in ids


async def test_cancelling_a_batch_stops_every_run_and_may_be_repeated(ada: Tenant) -> None:
    deployment = await ada.deploy(slow())
    made = await make(ada, deployment, [{"seed": 7000 + index} for index in range(6)])
    await eventually(lambda: _running(ada, made["id"]))

    first = await ada.http.post(made["links"]["cancel"])
    second = await ada.http.post(made["links"]["cancel"])
    ended = await done(ada, made["id"])
    third = await ada.http.post(made["links"]["cancel"])

    assert first.status_code in {200, 202}
    assert second.status_code in {200, 202}
    assert first.json()["cancel_requested"] is True
    assert ended["counts"] == counted(cancelled=6)
    assert (third.status_code, third.json()["status"]) == (200, "done")


async def _running(ada: Tenant, batch_id: str) -> int:
    return int((await read(ada, batch_id))["counts"]["running"])


async def test_a_batch_that_has_ended_is_not_changed_by_cancelling_it(ada: Tenant) -> None:
    made = await make(ada, await ada.deploy(card()), colours(1))
    await done(ada, made["id"])

    answer = await ada.http.post(made["links"]["cancel"])

    assert answer.status_code == 200
    assert answer.json()["cancel_requested"] is False


async def test_a_batch_counts_every_run_against_the_quota(system: System) -> None:
    url = system.start_another_api("api-quota", COMFYD_RUNS_IN_FLIGHT="3")
    await system.until_ready(url)
    # A tenant of its own: runs that other tests have left open would count.
    async with client_of(system, f"quota-{uuid4()}", url=url) as http:
        narrow = Tenant(http, system.machine_url)
        deployment = await narrow.deploy(slow())
        refused = await ask(narrow, deployment, [{"seed": 7100 + n} for n in range(4)])
        made = await make(narrow, deployment, [{"seed": 7200 + n} for n in range(3)])
        one_more = await narrow.create(deployment, {"seed": 7300})
        await http.post(made["links"]["cancel"])
        await done(narrow, made["id"])
    system.end("api-quota")

    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert one_more.status_code == 429
