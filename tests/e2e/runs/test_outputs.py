"""Outputs of every kind arrive in object storage, each as what it is."""

import hashlib
import json
from typing import Any

from tests.e2e.graphs import node
from tests.e2e.system import eventually
from tests.e2e.tenant import Tenant, download, observed_machine


async def test_every_kind_of_output_is_kept(ada: Tenant) -> None:
    graph = {
        "1": node("EmptyImage", width=16, height=16, batch_size=3, color=1),
        "10": node("SaveImage", images=["1", 0], filename_prefix="still"),
        "11": node(
            "SaveAnimatedWEBP",
            images=["1", 0],
            filename_prefix="moving",
            fps=6.0,
            lossless=True,
            quality=80,
            method="default",
        ),
        "2": node("EmptyAudio", duration=0.1, sample_rate=8000, channels=1),
        "12": node("SaveAudio", audio=["2", 0], filename_prefix="sound"),
        "3": node("CreateVideo", images=["1", 0], fps=8.0),
        "13": node(
            "SaveVideo", video=["3", 0], filename_prefix="film", format="auto", codec="auto"
        ),
        "4": node("StandinMesh", seed=1),
        "14": node("SaveGLB", mesh=["4", 0], filename_prefix="mesh"),
        "15": node("StandinText", text="words"),
        "16": node("StandinUnknownKind", value="odd"),
    }

    run = await ada.run(await ada.deploy(graph))

    assert run["status"] == "success", run["error"]
    files = [output for output in run["outputs"] if output["url"]]
    texts = {o["node_id"]: (o["kind"], o["text"]) for o in run["outputs"] if not o["url"]}
    assert sorted((o["node_id"], o["kind"], o["media_type"]) for o in files) == [
        ("10", "images", "image/png"),
        ("10", "images", "image/png"),
        ("10", "images", "image/png"),
        ("11", "images", "image/webp"),
        ("12", "audio", "audio/x-wav"),
        ("13", "images", "video/mp4"),
        ("14", "3d", "model/gltf-binary"),
    ]
    assert texts == {
        "15": ("text", "words"),
        "16": ("standin_oddities", '{"value":"odd"}'),
    }
    for output in files:
        data = await download(output["url"])
        assert hashlib.sha256(data).hexdigest() == output["sha256"]
        assert (len(data), output["upload_duration"] >= 0) == (output["bytes"], True)
    sizes = {(o["width"], o["height"]) for o in files if o["media_type"].startswith("image/")}
    assert sizes == {(16, 16)}


async def test_numbers_lists_and_objects_are_kept_as_text(ada: Tenant) -> None:
    shown = {
        "text": [5, 0.25, True, None, "words", ["a", "b"], {"a": [1]}],
        "mask": [[[1, 2], [3, 4]]],
        "curve": [float("nan"), *range(30)],
        "animated": [False],
        "long": ["x" * 16_390],
    }
    run = await ada.run(await ada.deploy({"1": node("StandinShown", json=json.dumps(shown))}))

    assert run["status"] == "success", run["error"]
    texts = [(o["kind"], o["text"], o["length"], o["omitted"]) for o in run["outputs"]]
    curve = f"[NaN,{','.join(map(str, range(30)))}]"
    assert texts == [
        ("text", "5", 1, 0),
        ("text", "0.25", 4, 0),
        ("text", "true", 4, 0),
        ("text", "null", 4, 0),
        ("text", "words", 5, 0),
        ("text", '["a","b"]', 9, 0),
        ("text", '{"a":[1]}', 9, 0),
        ("mask", "[[1,2],[3,4]]", 13, 0),
        ("curve", curve, len(curve), 0),
        ("long", "x" * 16_384, 16_384, 6),
    ]
    [classic] = (await ada.http.get(f"/api/status/{run['id']}")).json()["outputs"]
    assert classic["text"] == [text for kind, text, *_ in texts if kind == "text"]


async def test_a_node_that_makes_no_folder_saves_as_it_does_without_comfyd(ada: Tenant) -> None:
    graph = {
        "1": node("StandinSaveText", text="top", filename_prefix="note"),
        "2": node("StandinSaveText", text="below", filename_prefix="a/b/note"),
        "3": node("SaveImage", images=["4", 0], filename_prefix="new/folder/card"),
        "4": node("EmptyImage", width=8, height=8, batch_size=1, color=1),
    }
    run = await ada.run(await ada.deploy(graph))

    assert run["status"] == "success", run["error"]
    files = {output["node_id"]: output for output in run["outputs"]}
    assert [files[n]["filename"] for n in "123"] == ["note.txt", "note-2-1.txt", "card_00001_.png"]
    assert [await download(files[n]["url"]) for n in "12"] == [b"top", b"below"]


async def test_files_of_the_same_name_from_two_nodes_do_not_collide(ada: Tenant) -> None:
    graph = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=0xFF0000),
        "2": node("EmptyImage", width=8, height=8, batch_size=1, color=0x0000FF),
        "3": node("SaveImage", images=["1", 0], filename_prefix="left/same"),
        "4": node("SaveImage", images=["2", 0], filename_prefix="right/same"),
    }

    run = await ada.run(await ada.deploy(graph))
    status = (await ada.http.get(f"/api/status/{run['id']}")).json()

    urls = [output["url"] for output in run["outputs"]]
    contents = [await download(url) for url in urls]
    subfolders = {image["subfolder"] for o in status["outputs"] for image in o["images"]}
    assert len(set(urls)) == 2
    assert contents[0] != contents[1]
    assert subfolders == {"left", "right"}


async def test_two_runs_with_the_same_name_keep_their_own_files(ada: Tenant) -> None:
    graph = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=7),
        "2": node("SaveImage", images=["1", 0], filename_prefix="twice"),
    }
    deployment = await ada.deploy(graph)

    runs = [await ada.run(deployment) for _ in range(2)]

    names = {output["filename"] for run in runs for output in run["outputs"]}
    urls = {output["url"] for run in runs for output in run["outputs"]}
    assert names == {"twice_00001_.png"}
    assert len(urls) == 2


async def test_previews_are_the_outputs_of_a_graph_that_saves_nothing(ada: Tenant) -> None:
    graph = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=9),
        "2": node("PreviewImage", images=["1", 0]),
    }

    run = await ada.run(await ada.deploy(graph))
    status = (await ada.http.get(f"/api/status/{run['id']}")).json()

    [output] = run["outputs"]
    assert (await download(output["url"])).startswith(b"\x89PNG")
    assert status["outputs"][0]["images"][0]["type"] == "temp"


async def test_an_output_node_of_the_plugin_needs_no_plugin(ada: Tenant) -> None:
    machine = await observed_machine(ada)
    output = {"file_type": "webp", "quality": 80, "output_id": "o", "filename_prefix": "card"}
    graph = {
        "1": node("EmptyImage", width=16, height=8, batch_size=1, color=1),
        "2": node("ComfyDeployOutputImage", images=["1", 0], **output),
    }
    pushed = (await ada.http.post("/v1/workflows", json={"name": "p", "graph": graph})).json()
    path = f"/v1/workflows/{pushed['workflow_id']}/versions/{pushed['version']}/machines"

    async def listed() -> list[Any]:
        """Return what is said of the machine, once the lists know of it."""
        machines = (await ada.http.get(path)).json()["data"]
        return [found for found in machines if found["machine_id"] == machine]

    [able] = await eventually(listed)
    run = await ada.run(await ada.deploy(graph, machine_id=machine))

    assert able["reasons"] == []
    assert run["status"] == "success", run["error"]
    [file] = run["outputs"]
    assert (file["node_id"], file["kind"], file["media_type"]) == ("2", "images", "image/png")
    assert file["filename"].startswith("card")
