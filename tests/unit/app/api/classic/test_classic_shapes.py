"""The classic dialect: its five words, a bar that never goes back, outputs a node at a time."""

from datetime import timedelta, timezone

import pytest
from msgspec.structs import replace

from app.api.classic.shapes import (
    WORDS,
    error_text,
    images_view,
    outputs_view,
    progress_view,
    run_row,
    status_view,
    timestamp,
)
from events.run.events import RunError
from events.run.evolve import evolve
from events.run.output import Output
from events.run.progress import Progress
from events.run.redaction import redact_run
from events.run.state import Run, Upload
from events.run.status import TERMINAL, Status
from infra.settings.settings import Spaces
from tests.builders.facts import (
    MACHINE_ID,
    NOW,
    OTHER_ID,
    RUN_ID,
    claimed,
    created,
    image_output,
    later,
)

SPACES = Spaces(endpoint="", endpoint_cdn="http://s3", bucket="b", key="k", secret="s")
RUN = evolve(evolve(None, created()), claimed())
TIME = "2026-11-23T12:00:00.000Z"


def percent(value: int) -> Progress:
    return Progress(percent=value, message=f"{value} %")


def at(status: Status, **changes: object) -> Run:
    ended = later(2.5) if status in TERMINAL else None
    return replace(RUN, status=status, ended_at=ended, **changes)


def upload(name: str) -> Upload:
    return Upload(
        key=f"outputs/runs/{RUN_ID}/{name}",
        media_type="image/png",
        bytes=10,
        sha256="0" * 64,
        upload_duration=0.25,
        at=later(1),
    )


def image(name: str, *, subfolder: str = "") -> dict[str, object]:
    return {
        "url": f"http://s3/b/outputs/runs/{RUN_ID}/{name}",
        "type": "output",
        "filename": name,
        "subfolder": subfolder,
        "upload_duration": 0.25,
    }


def test_every_status_has_one_of_the_five_words() -> None:
    assert WORDS.keys() == set(Status)
    assert set(WORDS.values()) == {"not-started", "running", "uploading", "success", "failed"}
    assert {s for s in Status if WORDS[s] in {"success", "failed"}} == TERMINAL


def test_the_bar_never_goes_back_over_a_runs_life() -> None:
    told: list[tuple[Status, Progress | None]] = [
        (Status.NOT_STARTED, None),
        (Status.QUEUED, None),
        (Status.STARTED, None),
        (Status.RUNNING, None),
        *((Status.RUNNING, percent(value)) for value in range(101)),
        (Status.UPLOADING, percent(100)),
        (Status.UPLOADING, None),
        (Status.SUCCESS, percent(100)),
    ]

    seen = [progress_view(at(status), progress)["current"] for status, progress in told]

    assert seen == sorted(seen)
    assert (seen[0], seen[-2], seen[-1]) == (0, 75, 100)
    assert seen[-4] < 75


@pytest.mark.parametrize(
    ("status", "current", "message"),
    [
        (Status.NOT_STARTED, 0, "Waiting to start"),
        (Status.QUEUED, 0, "Waiting to start"),
        (Status.STARTED, 0, "Waiting to start"),
        (Status.RUNNING, 50, "Generating image"),
        (Status.UPLOADING, 75, "Uploading results"),
        (Status.SUCCESS, 100, "Generation completed"),
        (Status.FAILED, 0, "Generation failed"),
        (Status.CANCELLED, 0, "Generation failed"),
        (Status.TIMEOUT, 0, "Generation failed"),
    ],
)
def test_without_word_from_the_machine_the_bar_stands_where_the_dialect_has_it(
    status: Status, current: int, message: str
) -> None:
    assert progress_view(at(status), None) == {
        "current": current,
        "total": 100,
        "message": message,
    }


def test_while_the_machine_works_its_own_words_are_shown() -> None:
    assert progress_view(at(Status.RUNNING), percent(40))["message"] == "40 %"
    assert progress_view(at(Status.UPLOADING), percent(40))["message"] == "Uploading results"


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (at(Status.SUCCESS), None),
        (at(Status.RUNNING), None),
        (at(Status.FAILED, error=RunError(code="node_failed", message="no memory")), "no memory"),
        (at(Status.TIMEOUT, error=RunError(code="run_timeout", message="too long")), "too long"),
        (at(Status.FAILED, error=RunError(code="node_failed", message="")), "node_failed"),
        (at(Status.CANCELLED), "cancelled"),
        (at(Status.CANCELLED, error=RunError(code="x", message="y")), "cancelled"),
    ],
)
def test_the_error_says_why_a_run_did_not_succeed(run: Run, text: str | None) -> None:
    assert error_text(run) == text


def test_outputs_are_grouped_by_node_and_shown_once_they_can_be_fetched() -> None:
    run = at(
        Status.UPLOADING,
        outputs=(
            image_output(0, "a.png"),
            image_output(1, "b.png"),
            image_output(2, "c.png"),
            Output(index=3, node_id="9", kind="text", text="a lighthouse"),
            Output(index=4, node_id="7", kind="gifs", filename="d.gif", name="d.gif"),
        ),
        uploads={0: upload("a.png"), 2: upload("c.png"), 4: upload("d.gif")},
        updated_at=later(2),
    )

    assert outputs_view(run, SPACES) == [
        {
            "images": [image("a.png"), image("c.png")],
            "text": ["a lighthouse"],
            "created_at": "2026-11-23T12:00:02.000Z",
        },
        {"gifs": [image("d.gif")], "created_at": "2026-11-23T12:00:01.000Z"},
    ]


def test_images_have_small_ones_once_the_run_has_ended_and_are_their_own_before() -> None:
    outputs = (image_output(0, "a.png"), Output(index=1, node_id="10", kind="text", text="no"))
    small = f"http://s3/b/outputs/runs/{RUN_ID}/thumbnails/{'0' * 64}-384.webp"
    ended = at(Status.SUCCESS, outputs=outputs, uploads={0: upload("a.png")})
    open_ = at(Status.UPLOADING, outputs=outputs, uploads={0: upload("a.png")})

    assert images_view(ended, SPACES) == [image("a.png") | {"thumbnail_url": small}]
    assert images_view(open_, SPACES) == [image("a.png") | {"thumbnail_url": image("a.png")["url"]}]
    assert images_view(redact_run(ended), SPACES) == []


def test_a_file_of_an_erased_run_is_not_shown_as_the_bucket_itself() -> None:
    run = at(Status.SUCCESS, outputs=(image_output(0, "a.png"),), uploads={0: upload("a.png")})
    assert outputs_view(redact_run(run), SPACES) == []


def test_a_subfolder_is_shown_as_the_author_of_the_workflow_knows_it() -> None:
    output = replace(image_output(), subfolder=f"comfyd/{RUN.prompt_id}/faces")
    run = at(Status.SUCCESS, outputs=(output,), uploads={0: upload("a.png")})

    [node] = outputs_view(run, SPACES)

    assert node["images"] == [image("a.png", subfolder="faces")]


def test_a_status_has_exactly_the_fields_of_the_dialect() -> None:
    run = at(Status.SUCCESS, started_at=later(0.5))

    assert status_view(run, None, SPACES) == {
        "id": str(RUN_ID),
        "status": "success",
        "started_at": "2026-11-23T12:00:00.500Z",
        "ended_at": "2026-11-23T12:00:02.500Z",
        "duration": 2.0,
        "outputs": [],
        "images": [],
        "error": None,
        "progress": {"current": 100, "total": 100, "message": "Generation completed"},
        "live_status": None,
    }
    waiting = status_view(RUN, None, SPACES)
    assert (waiting["started_at"], waiting["ended_at"], waiting["duration"]) == (None, None, None)


def test_the_duration_of_a_run_that_never_started_counts_from_its_creation() -> None:
    assert status_view(at(Status.CANCELLED), None, SPACES)["duration"] == 2.5


def test_a_row_has_the_fields_of_the_dialect() -> None:
    run = at(Status.SUCCESS, outputs=(image_output(),), uploads={0: upload("a.png")})

    assert run_row(run, None, SPACES) == {
        "id": str(RUN_ID),
        "workflow_version_id": str(OTHER_ID),
        "workflow_inputs": None,
        "workflow_id": str(OTHER_ID),
        "machine_id": str(MACHINE_ID),
        "origin": "api",
        "status": "success",
        "live_status": None,
        "progress": 1.0,
        "ended_at": "2026-11-23T12:00:02.500Z",
        "created_at": TIME,
        "started_at": None,
        "workflow": {"org_id": None, "user_id": "ada"},
        "outputs": [{"data": {"images": [image("a.png")]}}],
    }


@pytest.mark.parametrize(
    ("status", "progress", "shown"),
    [
        (Status.QUEUED, None, (None, 0.0)),
        (Status.STARTED, percent(40), (None, 0.0)),
        (Status.RUNNING, None, (None, 0.0)),
        (Status.RUNNING, percent(40), ("40 %", 0.4)),
        (
            Status.RUNNING,
            replace(percent(100), node_class="KSampler"),
            ("Executing KSampler", 1.0),
        ),
        (Status.UPLOADING, percent(40), (None, 1.0)),
        (Status.SUCCESS, None, (None, 1.0)),
        (Status.FAILED, percent(40), (None, 0.0)),
        (Status.CANCELLED, None, (None, 0.0)),
    ],
)
def test_a_row_says_what_the_machine_does_and_how_much_of_it_is_done(
    status: Status, progress: Progress | None, shown: tuple[str | None, float]
) -> None:
    row = run_row(at(status), progress, SPACES)
    assert (row["live_status"], row["progress"]) == shown
    assert status_view(at(status), progress, SPACES)["live_status"] == shown[0]


def test_times_are_written_as_javascript_does() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=8)))
    assert timestamp(None) is None
    assert timestamp(elsewhere) == TIME
    assert timestamp(NOW + timedelta(microseconds=7999)) == "2026-11-23T12:00:00.007Z"
