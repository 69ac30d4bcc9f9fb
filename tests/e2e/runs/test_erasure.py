"""After an erasure nothing private of a run is left in any store or answer; its numbers are."""

import base64

import pytest

from events import codec, subjects
from events.aggregates import RUN
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from infra.postgres import connect
from infra.s3.storage import open_object_storage
from infra.settings.settings import settings_from
from tests.builders.pictures import picture, saved
from tests.e2e.graphs import MISSING, external, node, slow
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant, run_uuid

PROMPT = "a moonlit otter of 4711 whiskers"
FILE = "otterfile"
GRACE_AND_MORE = 90.0


def graph() -> Json:
    """Show a text, and save a picture that came with the run, under a telling name."""
    return {
        "1": external("Text", "prompt", default_value="nothing"),
        "2": node("PreviewAny", source=["1", 0]),
        "3": external("Image", "picture"),
        "4": node("SaveImage", images=["3", 0], filename_prefix=FILE),
    }


@pytest.fixture(scope="module")
async def erased(ada: Tenant, system: System, nats: Client) -> Json:
    """Return a run that was erased, as it was before."""
    run = await ada.run(await ada.deploy(graph()), {"prompt": PROMPT, **picture_input()})
    assert run["status"] == "success", run["error"]
    assert PROMPT in str(run["outputs"])
    assert FILE in str(run["outputs"])

    async def lies_in_all_places() -> bool:
        places = (await inputs_stream(nats), await bucket(system), await tables(system))
        return all(any(run["id"] in line for line in place) for place in places)

    await eventually(lies_in_all_places)

    answer = await ada.http.post(f"/v1/runs/{run['id']}/erase")
    assert (answer.status_code, answer.json()["erasure"]) == (202, "requested")
    return run


def picture_input(seed: int = 4711) -> dict[str, str]:
    """Return the input image of a run; of the same seed, runs share the stored one."""
    image = base64.b64encode(saved("PNG", picture(9, 7, seed=seed))).decode()
    return {"picture": f"data:image/png;base64,{image}"}


async def inputs_stream(nats: Client) -> list[str]:
    """Return all that lies beside the log."""
    request = {"subjects_filter": "in.>"}
    info = await api(nats, f"STREAM.INFO.{subjects.INPUTS}", request, within=5)
    found = []
    for subject in info["state"].get("subjects") or {}:
        message = await nats.request(f"$JS.API.DIRECT.GET.{subjects.INPUTS}.{subject}")
        found.append(f"{subject} {message.data.decode()}")
    return found


async def bucket(system: System) -> list[str]:
    """Return the keys of all objects."""
    spaces = settings_from(system.env).spaces
    async with open_object_storage(spaces) as storage:
        pages = storage._client.get_paginator("list_objects_v2")
        return [
            found["Key"]
            async for page in pages.paginate(Bucket=spaces.bucket)
            for found in page.get("Contents", [])
        ]


async def tables(system: System) -> list[str]:
    """Return all rows about runs."""
    query = (
        "SELECT to_jsonb(r)::text || encode(r.state, 'escape') FROM read.run r "
        "UNION ALL SELECT run_id::text || encode(progress, 'escape') FROM hints.progress"
    )
    async with connect(system.env["POSTGRES_URL"]) as connection:
        return [row for (row,) in await (await connection.execute(query)).fetchall()]


async def answers(ada: Tenant, run_id: str) -> str:
    """Return everything that the API says about a run."""
    paths = [
        f"/v1/runs/{run_id}",
        f"/v1/runs/{run_id}/timeline",
        f"/v1/runs/{run_id}/events",
        f"/v1/runs/{run_id}/events?after=1",
        "/v1/runs?limit=100",
        f"/api/status/{run_id}",
        f"/api/run?run_id={run_id}",
    ]
    told = [(await ada.http.get(path)).raise_for_status().text for path in paths]
    return "".join(told)


def secrets_of(run: Json) -> set[str]:
    """Return what must not be found any more."""
    files = [output for output in run["outputs"] if output["url"]]
    urls = {o["url"].rpartition("/")[2] for o in files} | {o["filename"] for o in files}
    image = run["input_images"]["picture"]["url"].rpartition("/")[2].partition(".")[0]
    return {PROMPT, FILE, image, *urls, *(o["sha256"] for o in files)}


async def test_from_the_answer_on_nobody_is_shown_anything_private(
    ada: Tenant, erased: Json
) -> None:
    told = await answers(ada, erased["id"])
    assert {secret for secret in secrets_of(erased) if secret in told} == set()


async def test_a_list_shows_nothing_private_before_the_read_models_know_of_the_erasure(
    ada: Tenant, system: System
) -> None:
    inputs = {"prompt": "another otter", **picture_input(seed=4712)}
    run = await ada.run(await ada.deploy(graph()), inputs)

    async def listed() -> bool:
        return "another otter" in (await ada.http.get("/v1/runs?limit=5")).text

    await eventually(listed)
    system.freeze("projector")
    try:
        assert (await ada.http.post(f"/v1/runs/{run['id']}/erase")).status_code == 202
        told = await answers(ada, run["id"])
    finally:
        system.thaw("projector")
    assert "another otter" not in told


async def test_the_log_never_held_the_prompt_the_text_or_the_picture(
    log: JetStreamEventStore, erased: Json
) -> None:
    recorded = await log.read(RUN.name(run_uuid(erased)))
    assert recorded[-1].status == "success"
    assert PROMPT not in str([codec.encode(entry) for entry in recorded])


async def test_the_numbers_stay(ada: Tenant, erased: Json) -> None:
    run = await ada.read(erased["id"])
    kept = ("status", "created_at", "started_at", "ended_at", "duration", "attempt", "version")
    assert {name: run[name] for name in kept} == {name: erased[name] for name in kept}
    assert [(o["kind"], o["bytes"], o["length"]) for o in run["outputs"]] == [
        (o["kind"], o["bytes"], o["length"]) for o in erased["outputs"]
    ]
    assert {o["length"] for o in run["outputs"]} == {None, len(PROMPT)}
    assert [o["url"] or o["text"] for o in run["outputs"]] == [None, None]
    image = run["input_images"]["picture"]
    assert (image["url"], image["width"], image["height"]) == (None, 9, 7)

    timeline = (await ada.http.get(f"/v1/runs/{erased['id']}/timeline")).json()
    assert [u["bytes"] > 0 and u["seconds"] >= 0 for u in timeline["uploads"]] == [True, True]


async def test_in_the_end_it_is_deleted_from_every_store(
    ada: Tenant, system: System, nats: Client, erased: Json
) -> None:
    async def done() -> bool:
        return bool((await ada.read(erased["id"]))["erasure"] == "done")

    await eventually(done, within=GRACE_AND_MORE)

    found = [*await inputs_stream(nats), *await bucket(system), *await tables(system)]
    left = {(s, line[:80]) for line in found for s in secrets_of(erased) if s in line}
    assert left == set()
    again = await ada.http.post(f"/v1/runs/{erased['id']}/erase")
    assert (again.status_code, again.json()["erasure"]) == (200, "done")


async def test_a_run_that_goes_on_is_not_erased(ada: Tenant) -> None:
    run_id = await ada.start(await ada.deploy(slow()), {"seed": 4711})
    answer = await ada.http.post(f"/v1/runs/{run_id}/erase")
    assert (answer.status_code, answer.json()["code"]) == (409, "run_not_ended")
    await ada.cancel(run_id)
    await ada.ended(run_id)
    assert (await ada.http.post(f"/v1/runs/{run_id}/erase")).status_code == 202


async def test_a_run_of_somebody_else_cannot_be_erased(bob: Tenant, erased: Json) -> None:
    for run_id in (erased["id"], MISSING, "no-id"):
        assert (await bob.http.post(f"/v1/runs/{run_id}/erase")).status_code == 404
