"""Answers of /files: types, parts, versions, refusals."""

import hashlib
from collections.abc import AsyncIterator

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from app.api.files import routes
from app.http.problems import problem_response
from app.http.security_headers import add_security_headers
from app.reads.runs.files import OutputFile
from events.errors import NotFound
from infra.s3.reading import Readers
from tests.fakes.object_storage import FakeObject, FakeObjectStorage

CONTENT = bytes(range(256)) * 400
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'
SIZE = len(CONTENT)
KEY = "outputs/runs/r/a b%é.png"
PATH = "/files/outputs/runs/r/a%20b%25%C3%A9.png"
CACHE = "private, max-age=86400, immutable"
SAVED = "default-src 'none'; sandbox; frame-ancestors 'none'"

Client = AsyncTestClient[Litestar]


class Files:
    """The files that there are."""

    def __init__(self) -> None:
        self.storage = FakeObjectStorage()
        self.known: dict[str, OutputFile] = {}

    def put(self, key: str, content: bytes, media_type: str) -> None:
        """Announce and store a file."""
        self.storage.objects[key] = FakeObject(content, media_type)
        sha256 = hashlib.sha256(content).hexdigest()
        self.known[key] = OutputFile(
            key=key, media_type=media_type, bytes=len(content), sha256=sha256
        )

    async def find(self, key: str) -> OutputFile:
        """Return what is known of a file."""
        if key not in self.known:
            raise NotFound(key)
        return self.known[key]


@pytest.fixture
def files() -> Files:
    files = Files()
    files.put(KEY, CONTENT, "image/png")
    return files


@pytest.fixture
async def http(files: Files) -> AsyncIterator[Client]:
    app = Litestar(
        routes.ROUTES,
        exception_handlers={Exception: problem_response},
        before_send=[add_security_headers],
        logging_config=None,
        openapi_config=None,
    )
    app.state.output_files = files
    app.state.file_readers = Readers(files.storage)
    async with AsyncTestClient(app) as client:
        yield client


async def test_a_file_says_what_it_is(http: Client) -> None:
    found = await http.get(PATH)

    assert (found.status_code, found.content) == (200, CONTENT)
    expected = {
        "Content-Type": "image/png",
        "Content-Length": str(SIZE),
        "Content-Disposition": "inline; filename*=UTF-8''a%20b%25%C3%A9.png",
        "ETag": ETAG,
        "Accept-Ranges": "bytes",
        "Cache-Control": CACHE,
        "Content-Security-Policy": (
            "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; "
            "frame-ancestors 'none'"
        ),
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    told = {name: found.headers.get_list(name) for name in expected}
    assert told == {name: [value] for name, value in expected.items()}


async def test_a_head_says_the_same_without_the_file(http: Client) -> None:
    whole, head = await http.get(PATH), await http.head(PATH, headers={"Range": "bytes=0-1"})

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == whole.headers


@pytest.mark.parametrize(
    ("media_type", "shown_as", "disposition"),
    [
        ("image/svg+xml", "image/svg+xml", "attachment"),
        ("text/html", "text/html", "attachment"),
        ("application/xhtml+xml", "application/xhtml+xml", "attachment"),
        ("application/xml", "application/xml", "attachment"),
        ("text/xml", "text/xml", "attachment"),
        ("application/pdf", "application/pdf", "attachment"),
        ("model/gltf-binary", "model/gltf-binary", "attachment"),
        ("text/javascript", "application/octet-stream", "attachment"),
        ("application/x-javascript", "application/octet-stream", "attachment"),
        ("text/ecmascript", "application/octet-stream", "attachment"),
        ("text/jscript", "application/octet-stream", "attachment"),
        ("text/javascript1.5", "application/octet-stream", "attachment"),
        ("text/css", "application/octet-stream", "attachment"),
        ("text/plain", "text/plain; charset=utf-8", "inline"),
        ("video/mp4", "video/mp4", "inline"),
        ("audio/x-wav", "audio/x-wav", "inline"),
    ],
)
async def test_what_a_browser_could_run_is_saved_and_shut_in(
    http: Client, files: Files, media_type: str, shown_as: str, disposition: str
) -> None:
    files.put("outputs/a", b"<script>alert(1)</script>", media_type)

    for query in ("", "?response-content-type=text/html&response-content-disposition=inline"):
        found = await http.get(f"/files/outputs/a{query}")
        assert found.headers["Content-Type"] == shown_as
        assert found.headers["Content-Disposition"] == f'{disposition}; filename="a"'
        assert (found.headers["Content-Security-Policy"] == SAVED) == (disposition != "inline")


@pytest.mark.parametrize("more", [{}, {"If-Range": ETAG}, {"If-None-Match": '"another"'}])
@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=10000-", 10000, SIZE - 1),
        ("bytes=-7", SIZE - 7, SIZE - 1),
        (f"bytes=0-{SIZE * 2}", 0, SIZE - 1),
    ],
)
async def test_a_part_can_be_fetched(
    http: Client, wanted: str, first: int, last: int, more: dict[str, str]
) -> None:
    found = await http.get(PATH, headers={"Range": wanted, **more})

    assert (found.status_code, found.content) == (206, CONTENT[first : last + 1])
    assert found.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert found.headers["Content-Length"] == str(last - first + 1)
    assert (found.headers["ETag"], found.headers["Cache-Control"]) == (ETAG, CACHE)


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-1,5-6"},
        {"Range": "bytes=9-1"},
        {"Range": "pages=1-2"},
        {"Range": "bytes=0-1", "If-Range": '"another"'},
        {"Range": "bytes=0-1", "If-Range": f"W/{ETAG}"},
        {"Range": f"bytes={SIZE}-", "If-Range": '"another"'},
        {"If-None-Match": '"another"'},
    ],
)
async def test_otherwise_the_whole_file_comes(http: Client, headers: dict[str, str]) -> None:
    found = await http.get(PATH, headers=headers)

    assert (found.status_code, found.content) == (200, CONTENT)
    assert "Content-Range" not in found.headers


async def test_a_part_behind_the_end_cannot_be_had(http: Client) -> None:
    found = await http.get(PATH, headers={"Range": f"bytes={SIZE}-"})

    assert (found.status_code, found.json()["code"]) == (416, "range_not_satisfiable")
    assert found.headers["Content-Type"] == "application/problem+json"
    assert found.headers["Content-Range"] == f"bytes */{SIZE}"
    assert found.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("known", [ETAG, f"W/{ETAG}", f'"another", {ETAG}', "*"])
async def test_what_is_known_need_not_come_again(http: Client, method: str, known: str) -> None:
    whole = await http.get(PATH)
    found = await http.request(method, PATH, headers={"If-None-Match": known, "Range": "bytes=0-1"})

    assert (found.status_code, found.content) == (304, b"")
    for name in ("ETag", "Cache-Control", "Content-Security-Policy"):
        assert found.headers.get_list(name) == whole.headers.get_list(name)


async def test_an_empty_file_is_a_file(http: Client, files: Files) -> None:
    files.put("outputs/empty", b"", "text/plain")

    whole = await http.get("/files/outputs/empty")
    part = await http.get("/files/outputs/empty", headers={"Range": "bytes=0-"})
    assert (whole.status_code, whole.content, whole.headers["Content-Length"]) == (200, b"", "0")
    assert (part.status_code, part.headers["Content-Range"]) == (416, "bytes */0")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_is_not_there_is_not_found_and_not_kept(
    http: Client, files: Files, method: str
) -> None:
    await files.storage.delete(KEY)

    for path in (PATH, "/files/inputs/a.png", "/files/outputs"):
        found = await http.request(method, path, headers={"If-None-Match": '"x"'})
        assert found.status_code == 404
        assert found.headers["Content-Type"] == "application/problem+json"
        assert found.headers["Cache-Control"] == "no-store"


async def test_a_storage_that_is_away_is_said_to_be_so(http: Client, files: Files) -> None:
    files.storage.down = True

    found = await http.get(PATH)
    assert (found.status_code, found.json()["code"]) == (503, "storage_unavailable")
    assert found.headers["Retry-After"] == "1"
