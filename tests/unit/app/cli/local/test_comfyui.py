"""What COMFYUI_URL may lead to, a ComfyUI, another site or no server, is reported in a sentence."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from app.cli.local.comfyui import Comfyui, ComfyuiUnreachable, inspect_comfyui, url_from_environment
from app.cli.local.stack import CannotStart, LocalMachine
from infra.embedded.certificate import remembered_certificate
from tests.network.one_answer import answering

PAGE = b"<!doctype html><title>Welcome</title>"
HTML = {"body": PAGE, "Content_Type": "text/html; charset=utf-8"}


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("", None),
        (" ", None),
        ("http://192.168.1.20:8188", "http://192.168.1.20:8188"),
        (" https://gpu.example.com/comfy/ ", "https://gpu.example.com/comfy"),
        ("http://127.0.0.1:8188/?workflow=a#9", "http://127.0.0.1:8188"),
    ],
)
def test_an_address_is_taken_as_it_is_copied(
    monkeypatch: pytest.MonkeyPatch, given: str, taken: str | None
) -> None:
    monkeypatch.setenv("COMFYUI_URL", given)
    assert url_from_environment() == taken


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "192.168.1.20:8188",
            "must begin with http:// or https://: write http://192.168.1.20:8188",
        ),
        ("localhost:8188/", "must begin with http:// or https://: write http://localhost:8188"),
        ("ftp://192.168.1.20", "is not an address such as http://192.168.1.20:8188"),
        ("http://", "is not an address such as http://192.168.1.20:8188"),
        ("http://host:port", "is not an address such as http://192.168.1.20:8188"),
        ("http://a b", "is not an address such as http://192.168.1.20:8188"),
    ],
)
def test_what_is_no_address_is_refused_with_the_right_one(
    monkeypatch: pytest.MonkeyPatch, given: str, said: str
) -> None:
    monkeypatch.setenv("COMFYUI_URL", given)
    with pytest.raises(CannotStart) as refused:
        url_from_environment()
    assert str(refused.value) == f"COMFYUI_URL: '{given}' {said}"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (HTML, "is not ComfyUI (200 text/html)"),
        (HTML | {"status": 404}, "is not ComfyUI (404 text/html)"),
        ({"body": b"{}"}, "is not ComfyUI (200 JSON)"),
        (
            {"body": b"[]", "Content_Type": "application/json"},
            "is not ComfyUI (200 application/json)",
        ),
        ({"body": b'{"system": 1}'}, "is not ComfyUI (200 JSON)"),
        (HTML | {"status": 401}, "requires a login (401 text/html)"),
        (HTML | {"status": 302, "Location": "/login"}, "requires a login (302 text/html)"),
    ],
)
async def test_another_site_is_named_by_what_it_says(answer: dict[str, Any], said: str) -> None:
    async with answering(**answer) as url:
        with pytest.raises(CannotStart) as refused:
            await inspect_comfyui(LocalMachine(url=url))
    words = str(refused.value)
    assert words.startswith("COMFYUI_URL: ")
    assert (said in words, url in words, "\n" in words, "<" in words) == (True, True, False, False)


async def test_what_speaks_no_http_is_named() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(CannotStart, match=r"is not ComfyUI \(no HTTP\)"):
            await inspect_comfyui(LocalMachine(url=f"http://127.0.0.1:{port}"))


async def test_a_certificate_that_nobody_trusts_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered_certificate(tmp_path / "tls")
    certificate = tmp_path / "tls" / "cert.pem"
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(certificate, certificate.with_name("key.pem"))

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0, ssl=own)
    async with server:
        machine = LocalMachine(url=f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(CannotStart, match=r"failed \(self-signed certificate\): begin with"):
            await inspect_comfyui(machine)
        # It is asked like any other once it is trusted.
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with pytest.raises(ComfyuiUnreachable, match=r"^503 "):
            await inspect_comfyui(machine)


async def test_https_where_only_http_is_spoken_is_named() -> None:
    async with answering(b"{}") as url:
        with pytest.raises(CannotStart, match=r"TLS with https://\S+ failed \(.+\): begin with"):
            await inspect_comfyui(LocalMachine(url=url.replace("http:", "https:")))


async def test_nobody_may_come_later() -> None:
    with pytest.raises(ComfyuiUnreachable, match=r"^no connection$"):
        await inspect_comfyui(LocalMachine(url="http://127.0.0.1:9"))
    async with answering(PAGE, status=502) as url:
        with pytest.raises(ComfyuiUnreachable, match=r"^502 Bad Gateway$"):
            await inspect_comfyui(LocalMachine(url=url))


NAMES = ["flux1-dev.safetensors", "svd_xt.safetensors", "sd_xl_base_1.0.safetensors", "v1-5.ckpt"]


@pytest.mark.parametrize("options", [[NAMES], ["COMBO", {"options": NAMES}]])
async def test_the_sample_takes_first_what_its_graph_is_made_for(options: list[Any]) -> None:
    loader = {"input": {"required": {"ckpt_name": options}}}
    body = {"system": {"comfyui_version": "0.33.0"}, "CheckpointLoaderSimple": loader}
    async with answering(json.dumps(body).encode()) as url:
        found = await inspect_comfyui(LocalMachine(url=url))
    assert found == Comfyui(version="0.33.0", checkpoints=(*NAMES[2:], *NAMES[:2]))


@pytest.mark.parametrize(
    ("devices", "cpu_only"),
    [
        ([{"type": "cpu"}], True),
        ([{"type": "cuda"}], False),
        ([{"type": "cpu"}, {"type": "mps"}], False),
        ([{}], False),
        ([], False),
        ("cpu", False),
        (None, False),
    ],
)
async def test_a_machine_without_a_gpu_is_known(devices: object, cpu_only: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    async with answering(json.dumps({"system": {}, "devices": devices}).encode()) as url:
        assert (await inspect_comfyui(LocalMachine(url=url))).cpu_only is cpu_only


@pytest.mark.parametrize("loader", [{}, {"input": {"required": {"ckpt_name": [[]]}}}])
async def test_a_comfyui_may_have_no_checkpoint(loader: dict[str, Any]) -> None:
    body = {"system": {}, "CheckpointLoaderSimple": loader}
    async with answering(json.dumps(body).encode()) as url:
        assert await inspect_comfyui(LocalMachine(url=url)) == Comfyui(version="", checkpoints=())
