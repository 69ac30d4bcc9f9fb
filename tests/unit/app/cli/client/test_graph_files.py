"""Files with a workflow in them, from any editor and in any encoding."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from app.cli.client.graph_files import read_graphs
from app.cli.errors import CommandError

Json = dict[str, Any]
API: Json = {"3": {"class_type": "Any", "inputs": {"text": "貓"}}}
UI: Json = {"nodes": [], "links": []}


def png(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    return picture("PNG", pnginfo=info)


def animated(**texts: str) -> bytes:
    """Draw two frames, with the texts where ComfyUI puts them in an animation."""
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add(b"comf", f"{name}\0{text}".encode("latin-1"), after_idat=True)
    return picture("PNG", pnginfo=info, save_all=True, append_images=[Image.new("L", (2, 2))])


def webp(*texts: str) -> bytes:
    exif = Image.Exif()
    for tag, text in enumerate(texts):
        exif[0x0110 - tag] = text
    return picture("WEBP", exif=exif)


def picture(kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, kind, **options)
    return buffer.getvalue()


def read(tmp_path: Path, data: bytes) -> tuple[Json | None, Json | None]:
    file = tmp_path / "flow.json"
    file.write_bytes(data)
    found = read_graphs(str(file))
    return found.api.graph if found.api else None, found.ui.graph if found.ui else None


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_every_encoding_of_json_is_read(tmp_path: Path, encoding: str) -> None:
    text = json.dumps(API, ensure_ascii=False)

    assert read(tmp_path, text.encode(encoding)) == (API, None)


def test_a_wrapper_is_taken_off(tmp_path: Path) -> None:
    wrapped = {"prompt": API, "extra_data": {"extra_pnginfo": {"workflow": UI}}}

    assert read(tmp_path, json.dumps(wrapped).encode()) == (API, UI)


@pytest.mark.parametrize(
    ("data", "api", "ui"),
    [
        (png(prompt=json.dumps(API)), API, None),
        (png(workflow=json.dumps(UI)), None, UI),
        (png(prompt=json.dumps(API), workflow=json.dumps(UI)), None, UI),
        (animated(prompt=json.dumps(API)), API, None),
        (animated(prompt=json.dumps(API), workflow=json.dumps(UI)), None, UI),
        (webp("prompt:" + json.dumps(API)), API, None),
        (webp("prompt:" + json.dumps(API), "workflow:" + json.dumps(UI)), None, UI),
    ],
)
def test_a_picture_is_read_as_the_editor_does(
    tmp_path: Path, data: bytes, api: Json | None, ui: Json | None
) -> None:
    assert read(tmp_path, data) == (api, ui)


def test_what_is_no_number_is_nothing_outside_inputs(tmp_path: Path) -> None:
    noted = {"3": {**API["3"], "is_changed": [float("nan")]}}
    drawn = {**UI, "extra": {"scale": float("inf")}}

    assert read(tmp_path, png(prompt=json.dumps(noted))) == (
        {"3": {**API["3"], "is_changed": [None]}},
        None,
    )
    assert read(tmp_path, json.dumps(drawn).encode()) == (None, {**UI, "extra": {"scale": None}})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"3": {"class_type": "Any", "inputs": {"by": NaN}}}', "node 3"),
        (b'{"3": {"class_type": "Any", "inputs": {"by": [[-Infinity]]}}}', "node 3"),
        (b'{\n "3": }', "line 2 column 7"),
        (b'{"3": "\xff"}', "position 7"),
        (b"\xff\xfea", "position 2"),
        (b"[" * 100_000, "flow.json"),
        (b"[" * 900 + b"]" * 900, "flow.json"),
        (b'{"text": "a cat"}', "does not contain a ComfyUI graph"),
        (json.dumps({"prompt": '{"3": {"class_type": NaN'}).encode(), "/prompt: line 1, column 22"),
        (json.dumps({"prompt": "[" * 100_000}).encode(), "flow.json.*too many values"),
        (png(title="a cat"), "picture without a workflow"),
        (png(workflow="{"), r"\(workflow\).*line 1 column 2"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(
    tmp_path: Path, data: bytes, said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        read(tmp_path, data)
