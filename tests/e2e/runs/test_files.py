"""Files as people, browsers and programs fetch them from the API: whole, in parts, and no more."""

import asyncio
import hashlib
import shutil
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from infra.embedded.ports import LOOPBACK
from infra.jetstream.event_store import JetStreamEventStore
from infra.s3.reading import CONNECTIONS
from infra.s3.storage import open_object_storage
from infra.settings.settings import settings_from
from tests.builders.pictures import picture, saved
from tests.e2e.graphs import card, load, node
from tests.e2e.stored_files import file_path, store_run
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant
from tests.observe.browser import needs_browser, opened, site
from tests.observe.described import check_described

CONTENT = bytes(range(256)) * 40
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'
SIZE = len(CONTENT)
CACHE = "private, max-age=86400, immutable"
MiB = 1024 * 1024
INPUT = f"data:image/png;base64,{b64encode(saved('PNG', picture(seed=990))).decode()}"


@pytest.fixture
async def anyone(system: System) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client without a credential; each answer must be a described one."""
    async with httpx.AsyncClient(
        base_url=system.url,
        trust_env=False,
        timeout=30,
        event_hooks={"response": [check_described]},
    ) as http:
        yield http


@pytest.fixture(scope="module")
async def path(system: System, log: JetStreamEventStore) -> str:
    """Return the path of a picture of 10 KiB, under a name that needs care."""
    _, key = await store_run(system, log, "é 漢 #1%?.png", CONTENT, "image/png")
    return file_path(system, key)


async def test_a_run_shows_the_address_at_the_api_in_every_dialect(
    ada: Tenant, system: System, anyone: httpx.AsyncClient
) -> None:
    run = await ada.run(await ada.deploy(card()))
    [output] = run["outputs"]
    [classic] = (await ada.http.get(f"/api/status/{run['id']}")).json()["outputs"]
    events = (await ada.http.get(f"/v1/runs/{run['id']}/events?after=0")).text
    found = await anyone.get(output["url"])

    assert output["url"].startswith(f"{system.url}/files/")
    assert f"/outputs/runs/{run['id']}/" in output["url"]
    assert classic["images"][0]["url"] == output["url"]
    assert f'"url":"{output["url"]}"' in events
    assert (found.status_code, found.headers["Content-Type"]) == (200, "image/png")
    assert hashlib.sha256(found.content).hexdigest() == output["sha256"]


async def test_a_file_says_what_it_is(anyone: httpx.AsyncClient, path: str) -> None:
    found = await anyone.get(path, headers={"Origin": "https://elsewhere.example"})

    assert (found.status_code, found.content) == (200, CONTENT)
    expected = {
        "Content-Type": "image/png",
        "Content-Length": str(SIZE),
        "Content-Disposition": "inline; filename*=UTF-8''%C3%A9%20%E6%BC%A2%20%231%25%3F.png",
        "ETag": ETAG,
        "Accept-Ranges": "bytes",
        "Cache-Control": CACHE,
        "Content-Security-Policy": (
            "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; "
            "frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Access-Control-Allow-Origin": "*",
    }
    told = {name: found.headers.get_list(name) for name in expected}
    assert told == {name: [value] for name, value in expected.items()}


async def test_parts_and_versions_come_from_the_real_storage_as_well(
    system: System, log: JetStreamEventStore, anyone: httpx.AsyncClient, path: str
) -> None:
    part = await anyone.get(path, headers={"Range": "bytes=-7", "If-Range": ETAG})
    behind = await anyone.get(path, headers={"Range": f"bytes={SIZE}-"})
    known = await anyone.get(path, headers={"If-None-Match": ETAG})
    _, key = await store_run(system, log, "nothing.svg", b"", "image/svg+xml")
    empty = await anyone.get(f"{file_path(system, key)}?fbclid=1")

    assert (part.status_code, part.content) == (206, CONTENT[-7:])
    assert part.headers["Content-Range"] == f"bytes {SIZE - 7}-{SIZE - 1}/{SIZE}"
    assert (behind.status_code, behind.json()["code"]) == (416, "range_not_satisfiable")
    assert (known.status_code, known.content) == (304, b"")
    assert (empty.status_code, empty.content) == (200, b"")
    assert empty.headers["Content-Disposition"] == 'attachment; filename="nothing.svg"'


async def test_a_head_says_the_same_without_the_file(anyone: httpx.AsyncClient, path: str) -> None:
    whole, head = await anyone.get(path), await anyone.head(path, headers={"Range": "bytes=0-1"})

    assert (head.status_code, head.content) == (200, b"")
    varying = {"date", "ratelimit"}
    assert {n: v for n, v in head.headers.items() if n not in varying} == {
        n: v for n, v in whole.headers.items() if n not in varying
    }


async def curl(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", "--noproxy", "*", *arguments, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said
    return said.decode("latin-1")


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
async def test_curl_fetches_a_part_and_goes_on_with_it(
    system: System, path: str, tmp_path: Path
) -> None:
    part = tmp_path / "part"
    await curl("-o", str(part), "-r", "0-999", f"{system.url}{path}")
    assert part.read_bytes() == CONTENT[:1000]
    await curl("-o", str(part), "-C", "-", f"{system.url}{path}")
    assert part.read_bytes() == CONTENT
    # As nginx asks by default.
    await curl("-0", "-o", str(part), f"{system.url}{path}")
    assert part.read_bytes() == CONTENT


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
async def test_what_is_private_is_found_in_no_way(
    ada: Tenant, system: System, anyone: httpx.AsyncClient
) -> None:
    run = await ada.run(await ada.deploy(load()), {"picture": INPUT})
    bucket = settings_from(system.env).spaces.bucket
    image = urlsplit(run["input_images"]["picture"]["url"]).path.removeprefix(f"/{bucket}/")
    async with open_object_storage(settings_from(system.env).spaces) as storage:
        assert await storage.get_bytes(image)
        pages = storage._client.get_paginator("list_objects_v2")
        keys = [
            found["Key"]
            async for page in pages.paginate(Bucket=bucket)
            for found in page.get("Contents", [])
        ]
    prefixes = ("inputs/", "workflows/", "machines/")
    private = [image, *(next(key for key in keys if key.startswith(p)) for p in prefixes)]
    output = run["outputs"][0]["url"].partition("/files/")[2]
    folder = output.rpartition("/")[0]

    unsigned = output.partition("/")[2]
    signed = [urlsplit(file_path(system, key)).path.removeprefix("/files/") for key in private]
    nothing = ["", "outputs", "outputs/runs", folder, f"{folder}/none.png", unsigned]
    for address in [*private, *signed, *nothing]:
        found = await anyone.get(f"/files/{address}")
        assert found.status_code == 404, address
        assert found.headers["Content-Type"] == "application/problem+json"
        assert found.headers["Cache-Control"] == "no-store"
    for way in (
        f"{folder}/../../../{image}",
        f"{folder}/%2e%2e/%2e%2e/%2e%2e/{image}",
        f"{folder}/..%2f..%2f..%2f{image}",
        f"{folder}/%2e%2e%5c{image}",
        f"{signed[0].partition('/')[0]}/./{image}",
        f"{signed[0].partition('/')[0]}/outputs%2f..%2f{image}",
        f"./{image}",
        f"/{image}",
        f"{output}/../../../../{image}",
        f"{output}%00",
        f"{output}%ff",
    ):
        code = await curl(
            "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", f"{system.url}/files/{way}"
        )
        assert code == "404", way


async def test_an_erased_file_is_gone_with_the_answer(
    ada: Tenant, system: System, log: JetStreamEventStore, anyone: httpx.AsyncClient
) -> None:
    run_id, key = await store_run(system, log, "a.png", CONTENT, "image/png")
    path = file_path(system, key)
    assert (await anyone.get(path)).status_code == 200
    async with system.without("worker"):
        erased = await ada.http.post(f"/v1/runs/{run_id}/erase")
        assert erased.status_code == 202, erased.text
        gone = await anyone.get(path, headers={"If-None-Match": ETAG})
        async with open_object_storage(settings_from(system.env).spaces) as storage:
            still_stored = await storage.get_bytes(key)

    assert still_stored == CONTENT
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    assert gone.headers["Cache-Control"] == "no-store"


async def test_a_file_that_the_storage_has_lost_is_not_found(
    system: System, log: JetStreamEventStore, anyone: httpx.AsyncClient
) -> None:
    _, key = await store_run(system, log, "a.png", CONTENT, "image/png")
    async with open_object_storage(settings_from(system.env).spaces) as storage:
        await storage.delete(key)

    for method in ("GET", "HEAD"):
        assert (await anyone.request(method, file_path(system, key))).status_code == 404


async def test_a_storage_that_is_away_is_said_to_be_so(system: System, path: str) -> None:
    url = system.start_another_api("api-no-storage", SPACES_ENDPOINT="http://127.0.0.1:9")
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:

        async def answers() -> httpx.Response | None:
            try:
                return await http.get(path)
            except httpx.TransportError:
                return None

        found = await eventually(answers)
    system.end("api-no-storage")

    assert (found.status_code, found.json()["code"]) == (503, "storage_unavailable")
    assert found.headers["Retry-After"] == "1"


async def test_a_storage_of_the_users_own_keeps_its_addresses(
    ada: Tenant, system: System, path: str
) -> None:
    run = await ada.run(await ada.deploy(card()))
    url = system.start_another_api("api-own-storage", COMFYD_SERVE_FILES="false")
    await system.until_ready(url)
    async with httpx.AsyncClient(
        base_url=url, headers=ada.http.headers, trust_env=False, timeout=40
    ) as http:
        shown = (await http.get(f"/v1/runs/{run['id']}")).json()["outputs"][0]["url"]
        missing = await http.get(path)
    system.end("api-own-storage")

    spaces = settings_from(system.env).spaces
    assert shown.startswith(f"{spaces.endpoint}/{spaces.bucket}/outputs/runs/{run['id']}/")
    assert missing.status_code == 404


def connections_to_storage(system: System) -> int:
    port = urlsplit(settings_from(system.env).spaces.endpoint).port
    found = psutil.Process(system.pid("api")).net_connections("tcp")
    return len([c for c in found if c.raddr and c.raddr.port == port and c.status == "ESTABLISHED"])


async def test_slow_clients_hold_up_no_one_and_leave_nothing_behind(
    system: System, log: JetStreamEventStore, anyone: httpx.AsyncClient, path: str
) -> None:
    _, key = await store_run(system, log, "big.mp4", bytes(48 * MiB), "video/mp4")
    address = urlsplit(system.url)
    async with AsyncExitStack() as exits:
        readers = []
        for _ in range(CONNECTIONS + 10):
            reader, writer = await asyncio.open_connection(LOOPBACK, address.port, limit=65536)
            exits.callback(writer.close)
            writer.write(f"GET {file_path(system, key)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            readers.append(reader)
        # Each has begun, and takes no more.
        starts = await asyncio.gather(*(reader.readline() for reader in readers))
        assert set(starts) == {b"HTTP/1.1 200 OK\r\n"}

        async def released() -> bool:
            return connections_to_storage(system) < CONNECTIONS // 2

        await eventually(released)
        assert (await anyone.get(path)).content == CONTENT
        # One that goes on gets all the rest.
        rest = asyncio.create_task(_read_to(readers[0], 48 * MiB))
        assert await rest


async def _read_to(reader: asyncio.StreamReader, size: int) -> bool:
    while (await reader.readline()).strip():
        pass
    left = size
    while left:
        piece = await reader.read(MiB)
        assert piece
        left -= len(piece)
    return True


PAGE = """<!doctype html><meta charset="utf-8"><body><script type="module">
const [film, picture] = %s;
const seen = {};
const video = document.createElement("video");
video.src = film;
document.body.append(video);
await new Promise((done, fail) => {
  video.onloadedmetadata = done; video.onerror = () => fail(video.error.message);
});
seen.duration = video.duration;
video.currentTime = 55;
await new Promise(done => { video.onseeked = done; });
seen.at = video.currentTime;
const image = new Image();
image.crossOrigin = "anonymous";
image.src = picture;
await image.decode();
const canvas = document.createElement("canvas");
canvas.getContext("2d").drawImage(image, 0, 0);
seen.readable = canvas.toDataURL().length > 0;
const part = await fetch(picture, {headers: {Range: "bytes=0-7"}});
seen.part = [part.status, part.headers.get("Content-Range") !== null,
  (await part.arrayBuffer()).byteLength];
await fetch("/report", {method: "POST", body: JSON.stringify(seen)});
</script>
"""


@needs_browser
async def test_a_browser_seeks_in_a_film_and_reads_a_picture(ada: Tenant, tmp_path: Path) -> None:
    graph = card() | {
        "11": node("EmptyAudio", duration=60.0, sample_rate=44100, channels=2),
        "12": node("SaveAudio", audio=["11", 0], filename_prefix="sound"),
    }
    run = await ada.run(await ada.deploy(graph))
    urls = {output["kind"]: output["url"] for output in run["outputs"]}

    async with site() as pages:
        pages.files["/page.html"] = PAGE % [urls["audio"], urls["images"]]
        async with opened(f"{pages.url}/page.html", tmp_path):
            seen = await pages.report()

    assert seen == {"duration": 60, "at": 55, "readable": True, "part": [206, True, 8]}
