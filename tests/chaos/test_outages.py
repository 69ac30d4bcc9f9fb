"""What works, and what is refused in clear words, while one part is away."""

import asyncio
import time
from base64 import b64encode
from uuid import UUID, uuid4

import httpx
import pytest

from events.ids import prompt_id
from infra.jetstream.connection import connected
from tests.builders.pictures import saved
from tests.chaos.load import graph
from tests.chaos.proof import check_story, log_end, read_stories
from tests.e2e.graphs import card, load, slow
from tests.e2e.sse import Message, facts, following
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant

pytestmark = pytest.mark.chaos

PICTURE = f"data:image/png;base64,{b64encode(saved('PNG')).decode()}"


async def test_without_postgres_runs_are_made_read_and_followed(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(slow())
    run_id = await ada.start(deployment, {"seed": 1, "seconds": 2})
    async with following(ada.http, run_id) as stream:
        await stream.next()
        async with system.without("postgres"):
            made = await ada.create(deployment, {"seed": 2, "seconds": 0.1})
            read = await ada.http.get(f"/v1/runs/{made.json()['id']}")
            page = {"Origin": "https://app.example"}
            lists = [await ada.http.get(f"/v1/{k}", headers=page) for k in ("runs", "machines")]
            ready = await ada.http.get("/health/ready")
            seen = await stream.rest()
            ended = await ada.ended(made.json()["id"])

    async def listed() -> list[str]:
        answer = await ada.http.get("/v1/runs", params={"status": "success"})
        if not answer.is_success:
            return []
        ids = [run["id"] for run in answer.json()["data"]]
        return ids if made.json()["id"] in ids else []

    assert (made.status_code, read.status_code) == (202, 200)
    assert {answer.status_code for answer in lists} == {503}
    assert {answer.json()["code"] for answer in lists} == {"read_models_unavailable"}
    assert all(answer.headers["Retry-After"] for answer in lists)
    assert {answer.headers["Access-Control-Allow-Origin"] for answer in lists} == {"*"}
    assert (ready.status_code, ready.json()["read_models"]) == (200, "away")
    assert facts(seen)[-1].data["status"] == "success"
    assert ended["status"] == "success"
    assert run_id in await eventually(listed)


async def test_without_nats_a_run_is_refused_soon_and_made_once_later(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(card())
    before = await log_end(system)
    key = str(uuid4())
    async with system.without("nats"):
        began = time.monotonic()
        refused = await asyncio.gather(
            ada.create(deployment, {"colour": 1}),
            ada.create(deployment, {"colour": 2}, Idempotency_Key=key),
        )
        took = time.monotonic() - began
        live = await ada.http.get("/health/live")
        ready = await ada.http.get("/health/ready")

    async def accepted() -> str | None:
        answer = await ada.create(deployment, {"colour": 2}, Idempotency_Key=key)
        return str(answer.json()["id"]) if answer.status_code == 202 else None

    run_id = await eventually(accepted)
    await ada.ended(run_id)
    async with connected(system.env["NATS_URL"], name="test") as client:
        stories = await read_stories(client, after=before)
    assert {answer.status_code for answer in refused} == {503}
    assert {answer.json()["code"] for answer in refused} == {"log_unavailable"}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert took < 12
    assert (live.status_code, ready.status_code) == (200, 503)
    assert stories.keys() == {run_id}
    check_story(stories[run_id], status="success")


async def test_a_stream_outlives_nats_and_misses_nothing(system: System, ada: Tenant) -> None:
    run_id = await ada.start(await ada.deploy(slow()), {"seed": 3, "seconds": 3})
    await ada.reaches(run_id, "running")
    async with following(ada.http, run_id, after="0") as stream:
        seen = [await stream.next()]
        async with system.without("nats"):
            pass
        seen += await stream.rest()

    async with following(ada.http, run_id, after="0") as stream:
        whole = await stream.rest()
    assert facts(seen) == whole


async def test_a_stream_is_resumed_when_its_api_comes_back(system: System, ada: Tenant) -> None:
    run_id = await ada.start(await ada.deploy(slow()), {"seed": 6, "seconds": 2})
    await ada.reaches(run_id, "running")
    seen: list[Message] = []
    async with following(ada.http, run_id, after="0") as stream:
        seen.append(await stream.next())
        system.kill("api")
        with pytest.raises(httpx.RemoteProtocolError):
            seen += await stream.rest()
    system.start("api")
    await system.until_ready(system.url)
    async with following(ada.http, run_id, last_event_id=facts(seen)[-1].id or "") as stream:
        seen += await stream.rest()

    async with following(ada.http, run_id, after="0") as stream:
        assert facts(seen) == await stream.rest()


async def test_without_storage_a_picture_is_refused_and_nothing_is_recorded(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(load())
    plain = await ada.deploy(card())
    before = await log_end(system)
    async with system.without("s3"):
        refused = await ada.create(deployment, {"picture": PICTURE})
        after = await log_end(system)
        waiting = await ada.start(plain, {"colour": 77})
    later = await ada.create(deployment, {"picture": PICTURE}, Prefer="wait=30")

    assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
    assert refused.headers["Retry-After"]
    assert after == before
    assert later.json()["status"] == "success"
    assert (await ada.ended(waiting, within=40))["status"] == "success"


async def test_a_run_waits_for_its_machine(system: System, ada: Tenant) -> None:
    deployment = await ada.deploy(graph())
    async with system.without("comfyui"):
        run_id = await ada.start(deployment, {"seed": 4})
        await asyncio.sleep(1.5)  # long enough for a first try
        waiting = await ada.read(run_id)
    await system.until_machine_ready()
    ended = await ada.ended(run_id)

    assert waiting["ended_at"] is None
    assert ended["status"] == "success"
    assert sum(system.rendered()[p] for p in _prompts(run_id)) == 1


async def test_a_machine_that_lost_everything_renders_again(system: System, ada: Tenant) -> None:
    run_id = await ada.start(await ada.deploy(slow()), {"seed": 5, "seconds": 1})
    await ada.reaches(run_id, "running")
    async with system.without("comfyui"):
        pass
    ended = await ada.ended(run_id, within=30)

    assert (ended["status"], ended["attempt"]) == ("success", 2)
    assert [system.rendered()[p] for p in _prompts(run_id)[:2]] == [1, 1]


def _prompts(run_id: str) -> list[str]:
    return [str(prompt_id(UUID(run_id), attempt)) for attempt in (1, 2, 3)]
