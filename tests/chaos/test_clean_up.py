"""kill -9 between the acceptance of a clean-up and its deletion: it is done after all, and once."""

import base64
from contextlib import suppress

import httpx
import pytest

from events.aggregates import RUN
from events.run.events import RunInputsDeleted, RunInputsErased
from infra.jetstream.connection import connected
from infra.jetstream.event_store import JetStreamEventStore
from infra.s3.storage import open_object_storage
from infra.settings.settings import settings_from
from tests.builders.pictures import picture, saved
from tests.e2e.graphs import external, node
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant, run_uuid

pytestmark = pytest.mark.chaos

GRAPH = {
    "1": external("Image", "first"),
    "2": external("Image", "second"),
    "3": node("SaveImage", images=["1", 0], filename_prefix="first"),
    "4": node("SaveImage", images=["2", 0], filename_prefix="second"),
}
DELAY = 3.0
GRACE_AND_MORE = 150.0


def image(seed: int) -> str:
    data = base64.b64encode(saved("PNG", picture(9, 7, seed=seed))).decode()
    return f"data:image/png;base64,{data}"


def keys_of(system: System, run: Json) -> dict[str, str]:
    """Return where the input images of a run lie."""
    begin = f"/{settings_from(system.env).spaces.bucket}/"
    found = {name: image["url"].partition(begin)[2] for name, image in run["input_images"].items()}
    assert all(key.startswith("inputs/") for key in found.values())
    return found


async def sizes(system: System, keys: dict[str, str]) -> dict[str, bool]:
    """Return which objects are there."""
    async with open_object_storage(settings_from(system.env).spaces) as storage:
        return {name: await storage.size(key) is not None for name, key in keys.items()}


async def facts(system: System, run: Json) -> list[type]:
    """Return what was recorded of a run since its clean-up was accepted."""
    async with connected(system.env["NATS_URL"], name="tests") as client:
        story = await JetStreamEventStore(client).read(RUN.name(run_uuid(run)))
    kinds = [type(entry.event) for entry in story]
    return kinds[kinds.index(RunInputsErased) :]


async def test_an_accepted_clean_up_outlives_the_processes_that_would_do_it(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(GRAPH)
    shared = image(901)
    cleaned = await ada.run(deployment, {"first": shared, "second": image(902)})
    beside = await ada.run(deployment, {"first": shared, "second": image(903)})
    kept, keys = keys_of(system, beside), keys_of(system, cleaned)
    assert kept["first"] == keys["first"]

    async with system.supervised():
        body = {"run_id": cleaned["id"], "delay_seconds": DELAY}
        accepted = await ada.http.post("/api/cleanup-run-data", json=body)
        for victim in ("worker", "nats", "api"):
            system.kill(victim)
        assert await sizes(system, keys) == {"first": True, "second": True}

        async def deleted() -> bool:
            with suppress(httpx.HTTPError):
                timeline = await ada.http.get(f"/v1/runs/{cleaned['id']}/timeline")
                return "its inputs are deleted everywhere" in timeline.text
            return False

        await eventually(deleted, within=GRACE_AND_MORE)
        again = await ada.http.post("/api/cleanup-run-data", json=body)
        rerun = await ada.http.post(f"/v1/runs/{beside['id']}/rerun", json={})
        repeated = await ada.ended(rerun.json()["id"])

    assert (accepted.status_code, again.status_code) == (200, 200)
    assert await facts(system, cleaned) == [RunInputsErased, RunInputsDeleted]
    assert await sizes(system, keys) == {"first": True, "second": False}
    assert await sizes(system, kept) == {"first": True, "second": True}
    assert repeated["status"] == "success"
    assert {"worker", "nats", "api"} <= set(system.restarted)
