"""Inputs end to end: every kind of value reaches the machine as what it is."""

import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from aiohttp import web
from PIL import Image

from infra.embedded.ports import LOOPBACK
from tests.builders.pictures import picture, saved
from tests.e2e.graphs import external, load, node, show
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, client_of, download, observed_machine


def data_uri(data: bytes, declared: str = "image/png") -> str:
    return f"data:{declared};base64,{b64encode(data).decode()}"


def pixels(data: bytes) -> bytes:
    with Image.open(BytesIO(data)) as image:
        return image.convert("RGB").tobytes()


@pytest.mark.parametrize(
    ("kind", "node_inputs", "sent", "shown"),
    [
        ("Text", {"default_value": "kept"}, None, "kept"),
        ("Text", {"default_value": "kept"}, "", ""),
        ("Text", {}, "ein Löwe 狮子 🦁", "ein Löwe 狮子 🦁"),
        ("Number", {"default_value": 7.5}, None, "7.5"),
        ("Number", {}, -0.25, "-0.25"),
        ("NumberInt", {"default_value": 9}, 0, "0"),
        ("NumberInt", {}, "-12", "-12"),
        ("NumberSlider", {"min_value": -1, "max_value": 1}, -1, "-1.0"),
        ("NumberSliderInt", {"max_value": 9}, "7", "7"),
        ("Seed", {"default_value": 5}, None, "5"),
        ("Seed", {"default_value": -1, "min_value": 3, "max_value": 3}, -1, "3"),
        ("Enum", {"default_value": "ink", "options": '["ink", "oil"]'}, "oil", "oil"),
        ("File", {"file_url": "kept.bin"}, None, "kept.bin"),
        ("Boolean", {"default_value": True}, "false", "False"),
        ("Boolean", {"default_value": False}, True, "True"),
    ],
)
async def test_a_value_reaches_the_node_that_takes_it(
    ada: Tenant, kind: str, node_inputs: dict[str, Any], sent: object, shown: str
) -> None:
    inputs = {} if sent is None else {"value": sent}

    run = await ada.run(await ada.deploy(show(kind, **node_inputs)), inputs)

    assert run["status"] == "success", run["error"]
    assert [output["text"] for output in run["outputs"]] == [shown]


async def test_models_are_chosen_by_name(ada: Tenant) -> None:
    graph = {
        "1": external("Checkpoint", "model", default_value="standin.safetensors"),
        "2": external("Lora", "style", default_lora_name="standin-lora.safetensors"),
        "3": node("CheckpointLoaderSimple", ckpt_name=["1", 0]),
        "4": node(
            "LoraLoader",
            model=["3", 0],
            clip=["3", 1],
            lora_name=["2", 0],
            strength_model=1.0,
            strength_clip=1.0,
        ),
        "5": node("CLIPTextEncode", text="a fox", clip=["4", 1]),
        "6": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "7": node(
            "KSampler",
            model=["4", 0],
            seed=1,
            steps=1,
            cfg=1.0,
            sampler_name="euler",
            scheduler="normal",
            positive=["5", 0],
            negative=["5", 0],
            latent_image=["6", 0],
            denoise=1.0,
        ),
        "8": node("VAEDecode", samples=["7", 0], vae=["3", 2]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="fox"),
    }
    deployment = await ada.deploy(graph)

    right = await ada.run(
        deployment, {"model": "standin.safetensors", "style": "standin-lora.safetensors"}
    )
    wrong = await ada.run(deployment, {"style": "elsewhere.safetensors"})

    assert right["status"] == "success"
    assert wrong["status"] == "failed"
    assert {k: wrong["error"][k] for k in ("code", "node_id", "node_class", "input_name")} == {
        "code": "bad_value",
        "node_id": "4",
        "node_class": "LoraLoader",
        "input_name": "lora_name",
    }


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_an_image_that_comes_with_the_request_is_loaded_by_the_machine(
    ada: Tenant, file_format: str
) -> None:
    data = saved(file_format)

    # What the sender says of the type is not believed.
    run = await ada.run(await ada.deploy(load()), {"picture": data_uri(data)})

    assert run["status"] == "success", run["error"]
    [output] = run["outputs"]
    stored = run["input_images"]["picture"]
    assert pixels(await download(output["url"])) == pixels(data)
    assert await download(stored["url"]) == data
    assert stored["media_type"] == f"image/{file_format.lower()}"
    assert (stored["width"], stored["height"]) == (60, 40)


@pytest.mark.parametrize("as_text", [False, True])
async def test_images_that_come_together_are_one_batch(ada: Tenant, *, as_text: bool) -> None:
    deployment = await ada.deploy(load("ImageBatch"))
    pictures = [data_uri(saved(name)) for name in ("PNG", "GIF", "WEBP")]
    sent = json.dumps(pictures) if as_text else pictures

    run = await ada.run(deployment, {"picture": sent})
    again = await rerun(ada, run, {})
    fewer = await rerun(ada, run, {"picture": pictures[:1]})

    assert run["status"] == "success", run["error"]
    assert len(run["outputs"]) == 3
    assert run["input_images"].keys() == {f"picture[{n}]" for n in range(3)}
    assert (again["status"], len(again["outputs"])) == ("success", 3)
    assert (fewer["status"], len(fewer["outputs"])) == ("success", 1)


async def rerun(tenant: Tenant, run: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    answer = await tenant.http.post(f"/v1/runs/{run['id']}/rerun", json={"inputs": inputs})
    assert answer.is_success, answer.text
    return await tenant.ended(answer.json()["id"])


async def test_a_lora_behind_a_url_needs_the_plugin_on_the_machine(ada: Tenant) -> None:
    await observed_machine(ada)
    deployment = await ada.deploy(show("Lora", default_lora_name="a.safetensors"))
    body = {"deployment_id": deployment, "inputs": {"value": "https://a.example/b.safetensors"}}

    refused = await ada.http.post("/v1/runs", json=body)

    assert refused.status_code == 422
    [problem] = refused.json()["errors"]
    assert (problem["code"], problem["pointer"]) == ("input_model_url", "/inputs/value")
    assert "comfyui-deploy" in problem["detail"]


async def test_a_graph_that_needs_the_plugin_is_refused_with_what_to_install(ada: Tenant) -> None:
    body = {"name": "x", "graph": show("FaceModel"), "machine_id": await observed_machine(ada)}

    refused = await ada.http.post("/v1/workflows", json=body)

    assert refused.status_code == 422
    [problem] = refused.json()["errors"]
    assert (problem["code"], problem["pointer"]) == ("node_needs_plugin", "/graph/1")
    assert "comfyui-deploy" in problem["detail"]


async def test_an_image_with_transparency_keeps_it(ada: Tenant) -> None:
    clear = picture().convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    data = saved("PNG", clear)

    run = await ada.run(await ada.deploy(load("ImageAlpha")), {"picture": data_uri(data)})

    assert run["status"] == "success", run["error"]
    with Image.open(BytesIO(await download(run["outputs"][0]["url"]))) as image:
        assert image.mode == "RGBA"
        assert image.tobytes() == clear.tobytes()


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """Yield the address of a web site with one image."""

    async def image(_: web.Request) -> web.Response:
        return web.Response(body=saved("JPEG"), content_type="image/jpeg")

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>no image</html>", content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/image.jpg", image), web.get("/page", page)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    yield f"http://{LOOPBACK}:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def trusting(system: System) -> AsyncIterator[Tenant]:
    """Yield a tenant whose comfyd may fetch from private networks."""
    trust = {"COMFYD_ALLOW_PRIVATE_URLS": "true"}
    system.end("worker")
    system.start_own("worker-trusting", "consumers", "worker", **trust)
    url = system.start_another_api("api-trusting", **trust)
    await system.until_ready(url)
    async with client_of(system, "ada", url=url) as http:
        yield Tenant(http, system.machine_url)
    system.end("api-trusting")
    system.end("worker-trusting")
    system.start("worker")


async def test_an_image_is_fetched_where_that_is_allowed(site: str, trusting: Tenant) -> None:
    deployment = await trusting.deploy(load())
    by_default = await trusting.deploy(load(default_value_url=f"{site}/image.jpg"))

    run = await trusting.run(deployment, {"picture": f"{site}/image.jpg"})
    default = await trusting.run(by_default)
    page = await trusting.run(deployment, {"picture": f"{site}/page"})

    for good in (run, default):
        assert good["status"] == "success", good["error"]
        assert pixels(await download(good["outputs"][0]["url"])) == pixels(saved("JPEG"))
        assert good["input_images"]["picture"]["media_type"] == "image/jpeg"
    assert page["error"]["code"] == "not_an_image"
    assert page["error"]["input_name"] == "picture"


async def test_a_file_is_fetched_and_named_by_the_machine(site: str, trusting: Tenant) -> None:
    deployment = await trusting.deploy(show("File"))

    run = await trusting.run(deployment, {"value": f"{site}/image.jpg"})
    gone = await trusting.run(deployment, {"value": f"{site}/gone"})

    assert run["status"] == "success", run["error"]
    assert re.fullmatch(r"comfyd/[0-9a-f]{32}\.jpg", run["outputs"][0]["text"])
    assert (gone["error"]["code"], gone["error"]["input_name"]) == ("url_status", "value")


async def test_a_rerun_of_many_leaves_out_what_may_not_be_fetched_any_more(
    site: str, trusting: Tenant, ada: Tenant
) -> None:
    run = await trusting.run(await trusting.deploy(load()), {"picture": f"{site}/page"})
    failed = {"filter": {"deployment_id": run["deployment_id"], "status": "failed"}}

    async def skipped() -> dict[str, str]:
        plan = (await ada.http.post("/v1/runs/rerun", json={**failed, "dry_run": True})).json()
        return {skip["run_id"]: skip["code"] for skip in plan["skipped"]}

    async def listed() -> bool:
        return run["id"] in await skipped()

    await eventually(listed)
    assert (await skipped())[run["id"]] == "invalid_inputs"


async def test_an_image_of_the_house_is_not_fetched(site: str, ada: Tenant) -> None:
    by_default = await ada.deploy(load(default_value_url=f"{site}/image.jpg"))

    run = await ada.run(by_default)

    assert (run["status"], run["error"]["code"]) == ("failed", "url_private_address")


async def test_nobody_but_its_owner_is_told_where_an_input_lies(bob: Tenant, ada: Tenant) -> None:
    data = {"picture": data_uri(saved("PNG"))}
    hers = await ada.run(await ada.deploy(load()), data)
    his = await bob.run(await bob.deploy(load()), data)

    urls = [run["input_images"]["picture"]["url"] for run in (hers, his)]

    assert urls[0] != urls[1]
    bucket = urls[0].partition("/inputs/")[0]
    async with httpx.AsyncClient(trust_env=False, timeout=40) as http:
        listing = await http.get(bucket, params={"list-type": "2"})
    assert listing.status_code == 403
