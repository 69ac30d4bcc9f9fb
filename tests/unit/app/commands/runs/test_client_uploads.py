"""What clients store themselves is taken by its address, and every other address is left alone."""

from urllib.parse import quote
from uuid import UUID

import pytest

from app.commands.runs.client_uploads import ClientUploads
from app.reads.runs.files import OutputFile
from events.errors import InvalidInputs, NotFound
from events.graph.externals.values import ImageBytes, ImageUrl, Value
from infra.s3.port import StorageUnavailable
from infra.settings.settings import Spaces
from tests.builders.facts import NOW
from tests.fakes.object_storage import FakeObjectStorage

SPACES = Spaces(
    endpoint="",
    endpoint_cdn="http://cdn.test/x",
    bucket="b",
    key="k",
    secret="s",
    files_url="https://comfyd.test/files",
)
UPLOAD_ID = UUID("3fa85f64-5717-4562-b3fc-2c963f66afa6")
KEY = f"uploads/2026-11-23/temp_{UPLOAD_ID}.jpg"
PICTURE = b"a picture"
OUTPUT_KEY = "outputs/runs/r/图 1.png"
OUTPUT = f"signature/{OUTPUT_KEY}"


class Lab:
    """A storage in memory, and the use-case over it."""

    def __init__(self) -> None:
        self.storage = FakeObjectStorage()
        self.uploads = ClientUploads(
            self.storage,
            SPACES,
            most_bytes=len(PICTURE),
            most_together=3 * len(PICTURE),
            new_id=lambda: UPLOAD_ID,
            now=lambda: NOW,
            output=self._output,
        )

    async def _output(self, address: str) -> OutputFile:
        if address != OUTPUT:
            raise NotFound("there is no file with this address")
        return OutputFile(key=OUTPUT_KEY, media_type="image/png", bytes=9, sha256="")

    async def taken(self, url: str) -> Value:
        """Return what an address becomes."""
        [run] = await self.uploads.taken([{"picture": ImageUrl(url)}])
        return run["picture"]


@pytest.fixture
def lab() -> Lab:
    return Lab()


async def test_an_address_is_for_one_upload_and_leads_to_it_again(lab: Lab) -> None:
    found = await lab.uploads.address("image/jpeg", seconds=600)
    assert (found.key, found.extension) == (KEY, "jpg")
    assert found.url.endswith("?t=image%2Fjpeg&s=600")

    await lab.storage.put_bytes(found.key, PICTURE, "image/jpeg")

    assert await lab.taken(found.public_url) == ImageBytes(PICTURE)
    assert await lab.taken(f"{found.public_url}?v=2#x") == ImageBytes(PICTURE)


async def test_what_is_not_there_or_too_large_stays_an_address(lab: Lab) -> None:
    found = await lab.uploads.address("image/jpeg", seconds=600)
    assert await lab.taken(found.public_url) == ImageUrl(found.public_url)
    await lab.storage.put_bytes(found.key, PICTURE + b"!", "image/jpeg")
    assert await lab.taken(found.public_url) == ImageUrl(found.public_url)


async def test_the_uploads_of_a_request_are_together_no_more_than_a_body(lab: Lab) -> None:
    found = await lab.uploads.address("image/jpeg", seconds=600)
    await lab.storage.put_bytes(found.key, PICTURE, "image/jpeg")
    run: dict[str, Value] = {"picture": ImageUrl(found.public_url)}

    assert await lab.uploads.taken([run] * 3) == [{"picture": ImageBytes(PICTURE)}] * 3
    with pytest.raises(InvalidInputs, match="at most 27 bytes together"):
        await lab.uploads.taken([run] * 4)


@pytest.mark.parametrize(
    "path", ["inputs/t/a.png", "outputs/runs/r/a.png", "uploads/../inputs/t/a.png", "uploads/a/b"]
)
async def test_nothing_else_of_the_bucket_is_read(lab: Lab, path: str) -> None:
    begin = (await lab.uploads.address("image/png", seconds=1)).public_url.partition("uploads/")[0]
    await lab.storage.put_bytes(path, PICTURE, "image/png")
    assert await lab.taken(begin + path) == ImageUrl(begin + path)
    encoded = begin + path.replace("/", "%2F")
    assert await lab.taken(encoded) == ImageUrl(encoded)


async def test_other_values_and_other_sites_are_left_alone(lab: Lab) -> None:
    values: dict[str, Value] = {"words": "http://cdn.test/x", "seed": 7, "size": 0.5}
    assert await lab.uploads.taken([values, {}]) == [values, {}]
    elsewhere = f"http://other.test/x/b/{KEY}"
    assert await lab.taken(elsewhere) == ImageUrl(elsewhere)


async def test_a_storage_that_is_away_refuses_the_run_for_now(lab: Lab) -> None:
    found = await lab.uploads.address("image/png", seconds=600)
    lab.storage.down = True
    with pytest.raises(StorageUnavailable):
        await lab.taken(found.public_url)


async def test_an_output_that_we_serve_is_taken_by_its_address(lab: Lab) -> None:
    begin = f"{SPACES.files_url}/"
    await lab.storage.put_bytes(OUTPUT_KEY, PICTURE, "image/png")

    assert await lab.taken(begin + OUTPUT) == ImageBytes(PICTURE)
    assert await lab.taken(f"{begin}{quote(OUTPUT)}?v=2") == ImageBytes(PICTURE)
    forged = begin + OUTPUT.replace("signature", "another")
    assert await lab.taken(forged) == ImageUrl(forged)
    assert lab.uploads.serve(ImageUrl(forged))
    elsewhere = f"https://files.test/{OUTPUT}"
    assert await lab.taken(elsewhere) == ImageUrl(elsewhere)
    assert not lab.uploads.serve(ImageUrl(elsewhere))
