"""Files are found by their key where their run has announced them, and nowhere else."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import cast
from urllib.parse import unquote
from uuid import UUID

import pytest
from msgspec.structs import replace

from app.reads.runs.files import OutputFile, OutputFiles
from app.reads.runs.recent_writes import RecentWrites
from app.reads.runs.rows import RunRows
from events.aggregates import RUN
from events.errors import NotFound
from events.files import FileRef
from events.run.events import RunDataErased, RunEvent, StatusChanged, input_uploaded
from events.run.state import Run
from events.run.status import Status
from infra.event_store import LogUnavailable
from infra.s3 import probe
from infra.s3.keys import graph_key, input_key, object_info_key
from infra.s3.port import ObjectStorage
from infra.s3.urls import file_address
from infra.settings.settings import Spaces
from projections.queries import RunRow
from projections.tables import Row
from tests.builders.facts import (
    MACHINE_ID,
    NOW,
    OTHER_ID,
    RUN_ID,
    claimed,
    created,
    draft,
    image_output,
    produced,
    uploaded,
)
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.object_storage import FakeObjectStorage

SPACES = Spaces(
    endpoint="http://s3",
    endpoint_cdn="http://s3",
    bucket="b",
    key="k",
    secret="s",
    files_url="http://us/files",
    files_secret="x" * 32,
)
KEY = f"outputs/runs/{RUN_ID}/a.png"
FOUND = OutputFile(key=KEY, media_type="image/png", bytes=10, sha256="0" * 64)
THUMBNAIL = f"outputs/runs/{RUN_ID}/thumbnails/{'0' * 64}-384.webp"
INPUT = input_key("user:ada", "1" * 64, "png", secret=b"s")
BROUGHT = input_uploaded(
    FileRef(key=INPUT, media_type="image/png", bytes=1, sha256="1" * 64),
    name="picture",
    upload_duration=0.1,
    at=NOW,
)
RENDERED: list[RunEvent] = [created(), BROUGHT, claimed(), produced(image_output())]
STORED: list[RunEvent] = [*RENDERED, uploaded()]
STATUSES = (Status.QUEUED, Status.STARTED, Status.RUNNING, Status.UPLOADING, Status.SUCCESS)
ENDED: list[RunEvent] = [
    *STORED,
    *(
        StatusChanged(status=status, reason="", attempt=1, machine_id=MACHINE_ID, at=NOW)
        for status in STATUSES
    ),
]
ERASED: list[RunEvent] = [*ENDED, RunDataErased(reason="request", by="user:ada", at=NOW)]


class Rows:
    """The read model of one run."""

    def __init__(self, events: list[RunEvent]) -> None:
        self.events = events

    async def get(self, run_id: UUID) -> RunRow | None:
        """Return the row, if there is one."""
        if run_id != RUN_ID or not self.events:
            return None
        row = Row(
            id=RUN_ID,
            tenant="user:ada",
            created_position=1,
            position=len(self.events),
            version=len(self.events),
            state=RUN.fold(self.events),
        )
        return RunRow(row=row, progress=None)


async def files(
    row: list[RunEvent],
    log: list[RunEvent] | None = None,
    *,
    promised: int = 0,
    spaces: Spaces = SPACES,
    storage: ObjectStorage | None = None,
    requested: Callable[[Run], Awaitable[None]] | None = None,
) -> OutputFiles:
    store, recent = MemoryEventStore(), RecentWrites()
    events = row if log is None else log
    if events:
        drafts = [draft(event, version=n) for n, event in enumerate(events, start=1)]
        await store.append(drafts, expected=0)
    recent.note(RUN_ID, promised)
    return OutputFiles(
        store,
        cast("RunRows", Rows(row)),
        recent,
        storage or FakeObjectStorage(),
        request_thumbnails=requested or no_request,
        spaces=spaces,
    )


def address(key: str) -> str:
    """Return the address that was given for a key, as it arrives."""
    return unquote(file_address(SPACES, key))


async def no_request(_: Run) -> None:
    raise AssertionError("nothing is missed")


@pytest.mark.parametrize("events", [STORED, ENDED])
async def test_a_stored_output_is_found(events: list[RunEvent]) -> None:
    assert await (await files(events)).find(address(KEY)) == FOUND


async def test_what_the_read_models_do_not_know_yet_is_read_from_the_log() -> None:
    assert await (await files([], STORED)).find(address(KEY)) == FOUND
    assert await (await files(RENDERED, STORED, promised=len(STORED))).find(address(KEY)) == FOUND


@pytest.mark.parametrize(
    "key",
    [
        INPUT,
        graph_key("user:ada", "1" * 64, secret=b"s"),
        object_info_key("user:ada", "1" * 64, secret=b"s"),
        "",
        "outputs",
        f"outputs/runs/{RUN_ID}",
        f"outputs/runs/{RUN_ID}/",
        f"outputs/runs/{RUN_ID}/b.png",
        THUMBNAIL,
        f"outputs/runs/{RUN_ID}/thumbnails/",
        f"outputs/runs/{RUN_ID}/./a.png",
        f"outputs/runs/{RUN_ID}//a.png",
        f"outputs/runs/{RUN_ID}/../../../{INPUT}",
        f"outputs/runs/{OTHER_ID}/a.png",
        f"outputs/runs/{str(RUN_ID).replace('-', '')}/a.png",
        f"outputs/runs/{RUN_ID}/" + "a" * 5000,
        f"/{KEY}",
        f"inputs/../{KEY}",
    ],
)
async def test_nothing_else_is_found_by_any_key_even_if_it_were_signed(key: str) -> None:
    found = await files(STORED)
    with pytest.raises(NotFound):
        await found.find(address(key))


@pytest.mark.parametrize(
    "guess",
    [
        KEY,
        f"/{KEY}",
        f"{'A' * 22}/{KEY}",
        f"{'é' * 22}/{KEY}",
        "\udcff" * 22 + f"/{KEY}",
        f"{file_address(SPACES, KEY)[:21]}/{KEY}",
        f"{file_address(SPACES, THUMBNAIL)[:22]}/{KEY}",
        file_address(replace(SPACES, files_secret="y" * 32), KEY),
    ],
)
async def test_a_key_alone_opens_nothing_since_it_can_be_guessed(guess: str) -> None:
    with pytest.raises(NotFound):
        await (await files(STORED)).find(guess)


async def test_what_is_not_announced_yet_is_not_found() -> None:
    with pytest.raises(NotFound):
        await (await files(RENDERED)).find(address(KEY))


async def test_an_erased_file_is_gone_although_the_storage_still_has_it() -> None:
    with pytest.raises(NotFound):
        await (await files(ERASED)).find(address(KEY))


async def test_an_erased_file_is_gone_before_the_read_models_know_of_it() -> None:
    found = await files(ENDED, ERASED, promised=len(ERASED))
    with pytest.raises(NotFound):
        await found.find(address(KEY))


async def test_a_log_that_is_older_than_the_erasure_is_not_believed() -> None:
    found = await files(ENDED, ENDED, promised=len(ERASED))
    with pytest.raises(LogUnavailable):
        await found.find(address(KEY))


async def test_no_file_is_found_where_people_fetch_them_from_the_storage() -> None:
    found = await files(STORED, spaces=replace(SPACES, files_url=""))
    for key in (KEY, probe.KEY):
        with pytest.raises(NotFound):
            await found.find(address(key))


async def test_a_thumbnail_is_found_once_it_is_there_and_requested_until_then() -> None:
    storage, requested = FakeObjectStorage(), list[UUID]()

    async def request(run: Run) -> None:
        requested.append(run.id)

    found = await files(ENDED, storage=storage, requested=request)
    with pytest.raises(NotFound):
        await found.find(address(THUMBNAIL))
    assert requested == [RUN_ID]

    await storage.put_bytes(THUMBNAIL, b"small", "image/webp")

    assert await found.find(address(THUMBNAIL)) == OutputFile(
        key=THUMBNAIL, media_type="image/webp", bytes=5, sha256="0" * 64 + "-384"
    )
    assert requested == [RUN_ID]


@pytest.mark.parametrize("events", [STORED, ERASED])
async def test_an_open_and_an_erased_run_have_no_thumbnail_whatever_is_stored(
    events: list[RunEvent],
) -> None:
    storage = FakeObjectStorage()
    await storage.put_bytes(THUMBNAIL, b"small", "image/webp")

    with pytest.raises(NotFound):
        await (await files(events, storage=storage)).find(address(THUMBNAIL))


async def test_what_the_doctor_writes_is_found() -> None:
    found = await (await files([])).find(address(probe.KEY))
    assert (found.bytes, found.sha256) == (
        len(probe.CONTENT),
        sha256(probe.CONTENT).hexdigest(),
    )
