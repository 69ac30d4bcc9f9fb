"""The stream of a tenant shows a client what it may see, and nothing else."""

import json

import httpx

from tests.e2e.batches import colours, done, make
from tests.e2e.graphs import card
from tests.e2e.keys import bearer, issue
from tests.e2e.tenant import Tenant
from tests.e2e.tenant_events import client_of_key, following_events, names, whole


async def test_nothing_of_another_tenant_is_in_it(eve: Tenant, ada: Tenant) -> None:
    run = await ada.run(await ada.deploy(card()))
    assert await whole(eve.http) == []
    assert await whole(eve.http, run_id=run["id"]) == []
    async with following_events(eve.http, after=0, follow="false", path="/v1/changes") as stream:
        text = str([m.data for m in await stream.rest()])
    assert run["id"] not in text


async def test_a_key_for_some_deployments_sees_these_alone(eve: Tenant) -> None:
    mine, beside = [await eve.deploy(card(), name=name) for name in ("mine", "beside")]
    key = bearer((await issue(eve, "runs:read", deployments=[mine]))["key"])
    runs = [(await eve.run(deployment))["id"] for deployment in (beside, mine)]
    batch = await make(eve, mine, colours(1))
    await done(eve, batch["id"])
    ticket = (await eve.http.post("/v1/events/ticket", json={}, headers=key)).json()

    async with client_of_key(eve, key) as limited:
        story = await whole(limited)
        # Of a run whose birth it does not read, too.
        later = await whole(limited, after=story[2].id)
    async with httpx.AsyncClient(base_url=eve.http.base_url, trust_env=False, timeout=40) as page:
        shown = await whole(page, ticket=ticket["ticket"])
    for_another = await eve.http.post(
        "/v1/events/ticket", json={"deployment_ids": [beside]}, headers=key
    )

    assert {m.data["run_id"] for m in story if "run_id" in m.data} == {runs[1], *batch["runs"]}
    assert {m.event for m in story if "run_id" not in m.data} == {
        "deployment.promoted",
        "batch.created",
        "batch.started",
    }
    assert later == story[3:]
    assert shown == story
    assert for_another.status_code == 404


async def test_credentials_are_shown_to_admins_alone(eve: Tenant) -> None:
    await eve.deploy(card())
    reader = bearer((await issue(eve, "runs:read"))["key"])
    deployer = bearer((await issue(eve, "deploy"))["key"])
    writer = bearer((await issue(eve, "runs:write"))["key"])

    async with client_of_key(eve, reader) as http:
        of_reader = await whole(http)
    async with client_of_key(eve, deployer) as http:
        of_deployer = await whole(http)
    async with client_of_key(eve, writer) as http:
        refused = await http.get("/v1/events")

    kinds = {name.partition(".")[0] for name in names(of_reader)}
    assert kinds == {"machine", "workflow", "deployment"}
    # A machine may have been looked at meanwhile.
    assert of_deployer[: len(of_reader)] == of_reader
    assert names(await whole(eve.http)).count("key.issued") == 3
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


async def test_what_is_erased_is_in_no_stream(eve: Tenant) -> None:
    run = await eve.run(await eve.deploy(card()))
    before = json.dumps([m.data for m in await whole(eve.http)])
    file = run["outputs"][0]["filename"]
    await eve.http.post(f"/v1/runs/{run['id']}/erase")

    after = await whole(eve.http)

    assert file in before
    assert file not in json.dumps([m.data for m in after])
    assert "run.data_erased" in names(after)
