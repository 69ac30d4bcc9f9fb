"""What small graphs do on a real ComfyUI through comfyd, beside what they do without it."""

from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from tests.e2e.graphs import card, external, node
from tests.e2e.tenant import ENDS, Tenant, download
from tests.real.direct import Direct

Json = dict[str, Any]


def fresh_card(**save: Any) -> Json:
    """Save an image whose size no earlier run had, so that nothing comes from the cache."""
    size = 16 + uuid4().int % 1000
    return {
        "1": node("EmptyImage", width=size, height=8, batch_size=1, color=255),
        "2": node("SaveImage", images=["1", 0], **{"filename_prefix": "card", **save}),
    }


def files(run: Json) -> list[Json]:
    return [output for output in run["outputs"] if output["filename"]]


def texts(run: Json) -> list[str]:
    return [output["text"] for output in run["outputs"] if output["text"] is not None]


async def pixel(run: Json) -> object:
    (file,) = files(run)
    return Image.open(BytesIO(await download(file["url"]))).convert("RGB").getpixel((0, 0))


async def test_an_input_reaches_the_image(ada: Tenant) -> None:
    deployment = await ada.deploy(card())

    run = await ada.run(deployment, {"colour": 0x00FF00})

    assert (run["status"], run["error"]) == ("success", None)
    assert await pixel(run) == (0, 255, 0)


async def test_a_shown_value_is_kept_as_text(ada: Tenant) -> None:
    graph = {
        "1": external("NumberInt", "count", default_value=5),
        "2": node("PreviewAny", source=["1", 0]),
    }
    run = await ada.run(await ada.deploy(graph), {"count": 7})

    assert (run["status"], texts(run)) == ("success", ["7"])


@pytest.mark.parametrize("prefix", ["folder/of/its own/card", "%year%-%month%/card", "版画/卡片"])
async def test_a_file_is_named_as_without_comfyd(ada: Tenant, direct: Direct, prefix: str) -> None:
    graph = fresh_card(filename_prefix=prefix)
    run = await ada.run(await ada.deploy(graph))

    assert run["status"] == "success", run["error"]
    (mine,) = files(run)
    (theirs,) = direct.render(graph)["2"]["images"]
    assert stem(mine["filename"]) == stem(theirs["filename"])


def stem(filename: str) -> str:
    """Return a file's name without its number."""
    return filename.rsplit("/", 1)[-1].split("_0", 1)[0]


@pytest.mark.parametrize("prefix", ["wait.. for it", "../../outside", "/etc/card", "a\\..\\b"])
async def test_a_prefix_that_leaves_the_folder_ends_after_one_attempt(
    ada: Tenant, prefix: str
) -> None:
    graph = fresh_card() | {"9": external("Text", "name", default_value="card")}
    graph["2"]["inputs"]["filename_prefix"] = ["9", 0]

    run = await ada.run(await ada.deploy(graph), {"name": prefix})

    assert run["status"] in ENDS
    assert run["attempt"] == 1
    assert len(files(run)) == 1 if run["status"] == "success" else run["error"]


async def test_a_value_the_machine_would_refuse_is_not_sent_and_named(ada: Tenant) -> None:
    graph = fresh_card()
    graph["3"] = external("NumberInt", "height", default_value=8)
    graph["1"]["inputs"]["height"] = ["3", 0]

    run = await ada.run(await ada.deploy(graph), {"height": 1_000_000})

    assert (run["status"], run["attempt"]) == ("failed", 0)  # it was never sent
    assert "height" in run["error"]["message"]


async def test_images_sent_over_the_socket_are_outputs(ada: Tenant) -> None:
    graph = fresh_card()
    graph["2"] = node("SaveImageWebsocket", images=["1", 0])

    run = await ada.run(await ada.deploy(graph))

    assert run["status"] == "success", run["error"]
    (image,) = files(run)
    assert Image.open(BytesIO(await download(image["url"]))).size[1] == 8


async def test_a_seed_decides_the_image(ada: Tenant, direct: Direct) -> None:
    """Run in `make test-real` only where a checkpoint is named that loads."""
    checkpoints = [c for c in direct.choices("CheckpointLoaderSimple", "ckpt_name") if "tiny" in c]
    if not checkpoints:
        pytest.skip("this ComfyUI offers no checkpoint with 'tiny' in its name")
    deployment = await ada.deploy(sampled(checkpoints[0]))

    runs = [await ada.start(deployment, {"seed": seed}) for seed in (5, 5, 6)]
    first, same, other = [await ada.ended(run, within=120) for run in runs]

    assert {run["status"] for run in (first, same, other)} == {"success"}
    hashes = [await pixels(run) for run in (first, same, other)]
    assert hashes[0] == hashes[1] != hashes[2]


async def pixels(run: Json) -> bytes:
    (file,) = files(run)
    return Image.open(BytesIO(await download(file["url"]))).tobytes()


def sampled(checkpoint: str) -> Json:
    sampler = {"steps": 2, "cfg": 2.0, "sampler_name": "euler", "scheduler": "normal"}
    return {
        "1": external("NumberInt", "seed", default_value=1),
        "4": node("CheckpointLoaderSimple", ckpt_name=checkpoint),
        "5": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "6": node("CLIPTextEncode", text="a fox", clip=["4", 1]),
        "3": node(
            "KSampler",
            seed=["1", 0],
            denoise=1.0,
            model=["4", 0],
            positive=["6", 0],
            negative=["6", 0],
            latent_image=["5", 0],
            **sampler,
        ),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="sampled"),
    }
