"""Which outputs have a thumbnail: it follows from what is stored of them."""

from typing import Any

import pytest
from msgspec.structs import replace

from events.run.events import RunDataErased, RunEvent, StatusChanged
from events.run.evolve import evolve
from events.run.state import Run
from events.run.status import Status
from events.run.thumbnails import has_thumbnail, thumbnailed
from tests.builders.facts import NOW, claimed, created, image_output, produced, uploaded

SUCCESS = StatusChanged(status=Status.SUCCESS, reason="", attempt=1, machine_id=None, at=NOW)
UPLOAD = replace(uploaded(), sha256="a" * 64)


def folded(*events: RunEvent) -> Run:
    run = None
    for event in (created(), claimed(), produced(*map(image_output, range(3))), *events):
        run = evolve(run, event)
    assert run is not None
    return run


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"media_type": "image/jpeg"}, True),
        ({"media_type": "image/webp"}, True),
        ({"media_type": "image/gif"}, True),
        ({"media_type": "image/avif", "width": None, "height": None}, True),
        ({"media_type": "image/svg+xml"}, False),
        ({"media_type": "image/tiff"}, False),
        ({"media_type": "video/mp4", "width": None, "height": None}, True),
        ({"media_type": "video/webm"}, True),
        ({"media_type": "video/quicktime"}, True),
        ({"media_type": "video/x-matroska"}, True),
        ({"media_type": "video/ogg"}, False),
        ({"media_type": "audio/mp4"}, False),
        ({"media_type": "application/octet-stream"}, False),
        ({"bytes": 64 * 1024 * 1024}, True),
        ({"bytes": 64 * 1024 * 1024 + 1}, False),
        ({"width": 10_000, "height": 5_000}, True),
        ({"width": 10_000, "height": 5_001}, False),
        ({"media_type": "image/webp", "width": 6_000, "height": 5_000}, True),
        ({"media_type": "image/webp", "width": 6_000, "height": 5_001}, False),
        ({"sha256": ""}, False),
    ],
)
def test_what_is_decoded_in_bounded_memory_has_one(
    changes: dict[str, Any],
    expected: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    [file] = folded(UPLOAD).uploads.values()

    assert has_thumbnail(replace(file, **changes)) is expected


def test_an_open_run_has_none_yet() -> None:
    assert thumbnailed(folded(UPLOAD)) == []


@pytest.mark.parametrize("status", [Status.SUCCESS, Status.FAILED, Status.CANCELLED])
def test_a_run_that_has_ended_has_one_for_each_image_that_is_stored(status: Status) -> None:
    second = replace(UPLOAD, index=1, name="b.png", sha256="b" * 64)
    sound = replace(UPLOAD, index=2, name="c.mp3", media_type="audio/mpeg", sha256="c" * 64)

    found = thumbnailed(folded(UPLOAD, second, sound, replace(SUCCESS, status=status)))

    assert [file.sha256 for file in found] == ["a" * 64, "b" * 64]


def test_one_content_has_one_thumbnail_however_many_files_have_it() -> None:
    again = replace(UPLOAD, index=1, name="b.png")

    assert len(thumbnailed(folded(UPLOAD, again, SUCCESS))) == 1


def test_an_erased_run_has_none() -> None:
    erased = RunDataErased(reason="request", by="ada", at=NOW)

    assert thumbnailed(folded(UPLOAD, SUCCESS, erased)) == []
