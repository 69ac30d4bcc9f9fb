"""Images have thumbnails within seconds, lost ones again, and those of erased runs are gone."""

import asyncio
import sys
from contextlib import suppress
from io import BytesIO

import httpx
from PIL import Image

from infra.s3.storage import open_object_storage
from infra.settings.settings import settings_from
from tests.e2e.graphs import node
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant, client_of, download

GRAPH = {
    "1": node("EmptyImage", width=1024, height=512, batch_size=2, color=0x2040C0),
    "2": node("SaveImage", images=["1", 0], filename_prefix="still"),
    "3": node(
        "SaveAnimatedWEBP",
        images=["1", 0],
        filename_prefix="moving",
        fps=6.0,
        lossless=True,
        quality=80,
        method="default",
    ),
    "4": node("CreateVideo", images=["1", 0], fps=8.0),
    "5": node("SaveVideo", video=["4", 0], filename_prefix="film", format="auto", codec="auto"),
    "6": node("StandinText", text="words"),
}


async def made(url: str) -> Image.Image:
    """Return a thumbnail once it is there."""

    async def look() -> bytes | None:
        with suppress(httpx.HTTPStatusError):
            return await download(url)
        return None

    return Image.open(BytesIO(await eventually(look)))


async def lose(system: System, *runs: Json) -> list[str]:
    """Delete the thumbnails of runs; return their addresses."""
    async with open_object_storage(settings_from(system.env).spaces) as storage:
        for run in runs:
            await storage.delete_all(f"outputs/runs/{run['id']}/thumbnails/")
    return [output["thumbnail_url"] for run in runs for output in run["outputs"]]


async def one_image(ada: Tenant, color: int) -> Json:
    """Return a run with one image that has its thumbnail."""
    graph = {
        "1": node("EmptyImage", width=400, height=400, batch_size=1, color=color),
        "2": node("SaveImage", images=["1", 0], filename_prefix="one"),
    }
    run = await ada.run(await ada.deploy(graph))
    await made(run["outputs"][0]["thumbnail_url"])
    return run


async def test_images_and_films_have_a_thumbnail_and_nothing_else_has(ada: Tenant) -> None:
    run = await ada.run(await ada.deploy(GRAPH))

    assert run["status"] == "success", run["error"]
    by_node = {output["node_id"]: output["thumbnail_url"] for output in run["outputs"]}
    assert by_node["6"] is None
    for node_id in "235":
        thumbnail = await made(by_node[node_id])
        assert (thumbnail.format, thumbnail.size) == ("WEBP", (384, 192))
        assert getattr(thumbnail, "n_frames", 1) == 1
    [listed] = (await ada.http.get("/v1/runs", params={"limit": 1})).json()["data"]
    assert listed["outputs"] == run["outputs"]


async def test_a_thumbnail_that_was_lost_is_made_again_on_request(
    ada: Tenant, system: System
) -> None:
    run = await one_image(ada, 11)
    [url] = await lose(system, run)

    answers = [await ada.http.post(f"/v1/runs/{run['id']}/thumbnails") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["outputs"] == run["outputs"]
    assert (await made(url)).size == (384, 384)


async def test_the_thumbnails_of_all_runs_are_made_by_one_command(
    ada: Tenant, system: System
) -> None:
    runs = [await one_image(ada, color) for color in (21, 22)]
    urls = await lose(system, *runs)

    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "consumers", "thumbnails"),
        env=system.env,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await command.communicate()

    assert command.returncode == 0
    assert b"workers make those that are missing" in said
    assert [(await made(url)).size for url in urls] == [(384, 384)] * 2


async def test_an_erased_run_has_no_thumbnail_any_more(ada: Tenant, system: System) -> None:
    run = await one_image(ada, 31)
    await ada.http.post(f"/v1/runs/{run['id']}/erase")

    async def gone() -> Json | None:
        erased = await ada.read(run["id"])
        return erased if erased["erasure"] == "done" else None

    erased = await eventually(gone)
    # A request that comes late brings nothing back.
    await ada.http.post(f"/v1/runs/{run['id']}/thumbnails")

    assert [output["thumbnail_url"] for output in erased["outputs"]] == [None]
    async with open_object_storage(settings_from(system.env).spaces) as storage:
        key = run["outputs"][0]["thumbnail_url"].rsplit("/outputs/")[1]
        assert await storage.size(f"outputs/{key}") is None


async def test_others_find_no_run_to_make_thumbnails_of(ada: Tenant, system: System) -> None:
    run = await one_image(ada, 41)

    async with client_of(system, "eve") as eve:
        answer = await eve.post(f"/v1/runs/{run['id']}/thumbnails")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
