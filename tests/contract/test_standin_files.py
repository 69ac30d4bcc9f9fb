"""The files of the stand-in: what it draws and saves, uploads, /view."""

import io
import json
import wave
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from tests.contract.standin_client import Client, Graph, node, picture, standin

ENTRY = {"subfolder": "", "type": "output"}


def text_to_image(text: str, seed: int) -> Graph:
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name="standin.safetensors"),
        "2": node("CLIPTextEncode", text=text, clip=["1", 1]),
        "3": node("EmptyLatentImage", width=96, height=64, batch_size=1),
        "4": node(
            "KSampler",
            model=["1", 0],
            positive=["2", 0],
            negative=["2", 0],
            latent_image=["3", 0],
            seed=seed,
            steps=2,
            cfg=7.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        ),
        "5": node("VAEDecode", samples=["4", 0], vae=["1", 2]),
        "6": node("SaveImage", images=["5", 0], filename_prefix="a/b/ComfyUI"),
    }


async def fetched(client: Client, entry: dict[str, str]) -> bytes:
    async with client.http.get(f"{client.url}/view", params=entry) as response:
        assert response.status == 200
        return await response.read()


async def rendered(client: Client, graph: Graph) -> bytes:
    outputs = (await client.run(graph))["outputs"]
    [entry] = outputs["6"]["images"]
    return await fetched(client, entry)


async def test_a_sampled_picture_depends_on_text_and_seed_and_carries_its_graph(
    tmp_path: Path,
) -> None:
    async with standin(tmp_path) as (_, client):
        files = [
            await rendered(client, text_to_image(text, seed))
            for text, seed in [
                ("a cat", 1),
                ("a dog", 1),
                ("a cat", 2),
                ("一只猫", 1),
                ("a cat", 1),
            ]
        ]
    pictures = [Image.open(io.BytesIO(file)) for file in files]
    pixels = [each.convert("RGB").tobytes() for each in pictures]
    assert {each.size for each in pictures} == {(96, 64)}
    assert len(set(pixels)) == 4
    assert pixels[0] == pixels[4]
    assert json.loads(pictures[3].info["prompt"])["2"]["inputs"]["text"] == "一只猫"


async def test_a_prefix_with_folders_counts_on_per_folder_and_prefix(tmp_path: Path) -> None:
    async with standin(tmp_path) as (_, client):
        names = []
        for colour, prefix in enumerate(["a/b/x", "a/b/x", "a/b/y", "x"]):
            entry = await client.run(picture(colour=colour, prefix=prefix))
            names += [entry["outputs"]["2"]["images"][0]]
    assert [(each["subfolder"], each["filename"]) for each in names] == [
        ("a/b", "x_00001_.png"),
        ("a/b", "x_00002_.png"),
        ("a/b", "y_00001_.png"),
        ("", "x_00001_.png"),
    ]


async def test_a_prefix_cannot_leave_the_output_folder(tmp_path: Path) -> None:
    async with standin(tmp_path) as (_, client):
        entry = await client.run(picture(prefix="../../escaped"))
    assert entry["status"]["messages"][-1][0] == "execution_error"
    assert not list(tmp_path.parent.glob("escaped*"))


MEDIA: dict[str, Any] = {
    "1": node("EmptyImage", width=16, height=8, batch_size=2, color=255),
    "2": node(
        "SaveAnimatedWEBP",
        images=["1", 0],
        filename_prefix="w",
        fps=6.0,
        lossless=True,
        quality=80,
        method="default",
    ),
    "3": node("EmptyAudio", duration=0.1, sample_rate=8000, channels=1),
    "4": node("SaveAudio", audio=["3", 0], filename_prefix="a"),
    "5": node("CreateVideo", images=["1", 0], fps=2.0),
    "6": node("SaveVideo", video=["5", 0], filename_prefix="v", format="auto", codec="auto"),
    "7": node("StandinMesh", seed=1),
    "8": node("SaveGLB", mesh=["7", 0], filename_prefix="m"),
    "9": node("StandinText", text="hi"),
    "10": node("StandinUnknownKind", value="odd"),
    "11": node("PrimitiveInt", value=7),
    "12": node("PreviewAny", source=["11", 0]),
}


async def test_every_kind_of_output_has_comfyuis_shape_and_valid_bytes(tmp_path: Path) -> None:
    async with standin(tmp_path) as (_, client):
        outputs = (await client.run(MEDIA))["outputs"]
    assert outputs == {
        "2": {"images": [{"filename": "w_00001_.webp", **ENTRY}], "animated": [True]},
        "4": {"audio": [{"filename": "a_00001_.wav", **ENTRY}]},
        "6": {"images": [{"filename": "v_00001_.mp4", **ENTRY}], "animated": [True]},
        "8": {"3d": [{"filename": "m_00001_.glb", **ENTRY}]},
        "9": {"text": ["hi"]},
        "10": {"standin_oddities": [{"value": "odd"}]},
        "12": {"text": ["7"]},
    }
    saved = tmp_path / "output"
    with (
        Image.open(saved / "w_00001_.webp") as animation,
        wave.open(str(saved / "a_00001_.wav")) as audio,
    ):
        assert (animation.format, animation.size) == ("WEBP", (16, 8))
        assert audio.getnframes() == 800
    assert boxes((saved / "v_00001_.mp4").read_bytes()) == ["ftyp", "mdat", "moov"]
    mesh = (saved / "m_00001_.glb").read_bytes()
    assert (mesh[:4], int.from_bytes(mesh[8:12], "little")) == (b"glTF", len(mesh))


def boxes(content: bytes) -> list[str]:
    """Name the boxes of an MP4 file; their sizes must add up to the whole."""
    names, position = [], 0
    while position < len(content):
        names.append(content[position + 4 : position + 8].decode())
        position += int.from_bytes(content[position : position + 4], "big")
    assert position == len(content)
    return names


async def upload(client: Client, content: bytes, name: str, **fields: str) -> tuple[int, Any]:
    form = aiohttp.FormData(fields, quote_fields=False)
    form.add_field("image", content, filename=name)
    async with client.http.post(f"{client.url}/upload/image", data=form) as response:
        body = await response.read()
    return response.status, json.loads(body) if response.status == 200 else None


async def test_an_upload_keeps_its_name_unless_other_bytes_have_it(tmp_path: Path) -> None:
    async with standin(tmp_path) as (_, client):
        named = [
            (await upload(client, b"one", "in.png"))[1]["name"],
            (await upload(client, b"one", "in.png"))[1]["name"],
            (await upload(client, b"two", "in.png"))[1]["name"],
            (await upload(client, b"two", "in.png"))[1]["name"],
            (await upload(client, b"six", "in.png", overwrite="true"))[1]["name"],
        ]
        answer = await upload(client, b"one", "in.png", subfolder="a/b", type="temp")
    assert named == ["in.png", "in.png", "in (1).png", "in (1).png", "in.png"]
    assert answer == (200, {"name": "in.png", "subfolder": "a/b", "type": "temp"})
    assert (tmp_path / "input/in.png").read_bytes() == b"six"
    assert (tmp_path / "temp/a/b/in.png").read_bytes() == b"one"


@pytest.mark.parametrize(
    ("fields", "status"), [({"type": "bogus"}, 500), ({"subfolder": "../../x"}, 400)]
)
async def test_a_bad_upload_is_refused(tmp_path: Path, fields: dict[str, str], status: int) -> None:
    async with standin(tmp_path) as (_, client):
        assert (await upload(client, b"x", "in.png", **fields))[0] == status
        assert (await client.post("/upload/image", {"image": "x"}))[0] == 400


async def test_an_uploaded_picture_is_offered_loaded_and_loaded_anew_when_replaced(
    tmp_path: Path,
) -> None:
    graph = {"1": node("LoadImage", image="in.png"), "2": node("PreviewImage", images=["1", 0])}
    async with standin(tmp_path) as (_, client):
        colours, kinds = [], set()
        for colour in ("red", "lime"):
            file = io.BytesIO()
            Image.new("RGB", (4, 4), colour).save(file, "PNG")
            await upload(client, file.getvalue(), "in.png", overwrite="true")
            [entry] = (await client.run(graph))["outputs"]["2"]["images"]
            loaded = Image.open(io.BytesIO(await fetched(client, entry)))
            kinds.add(entry["type"])
            colours.append(loaded.getpixel((0, 0)))
        info = await client.get("/object_info/LoadImage")
    assert colours == [(255, 0, 0), (0, 255, 0)]
    assert kinds == {"temp"}
    assert info["LoadImage"]["input"]["required"]["image"][0] == ["in.png"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("filename=out_00001_.png", 200),
        ("filename=out_00001_.png&type=temp", 404),
        ("filename=none.png", 404),
        ("", 404),
        ("filename=../out_00001_.png", 400),
        ("filename=out_00001_.png&type=bogus", 400),
        ("filename=out_00001_.png&subfolder=../input", 403),
    ],
)
async def test_view_answers_by_status(tmp_path: Path, query: str, status: int) -> None:
    async with standin(tmp_path) as (_, client):
        await client.run(picture())
        assert await client.status_of(f"/api/view?{query}") == status


async def test_view_gives_ranges_and_previews(tmp_path: Path) -> None:
    async with standin(tmp_path) as (_, client):
        await client.run(picture())
        url = f"{client.url}/view?filename=out_00001_.png"
        async with client.http.get(url, headers={"Range": "bytes=0-3"}) as part:
            assert (part.status, await part.read()) == (206, b"\x89PNG")
            assert part.headers["Content-Disposition"] == 'filename="out_00001_.png"'
            assert part.headers["Etag"]
        async with client.http.get(f"{url}&preview=webp;50") as preview:
            assert (preview.content_type, (await preview.read())[:4]) == ("image/webp", b"RIFF")
