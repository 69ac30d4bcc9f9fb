"""The state that the facts of a run lead to."""

import msgspec
import pytest
from msgspec.structs import replace

from events.aggregates import RUN
from events.ids import prompt_id
from events.run.events import (
    RunClaimed,
    RunEvent,
)
from events.run.state import Run, Upload
from events.run.status import Status
from tests.builders.facts import (
    NOW,
    OTHER_ID,
    RUN_ID,
    claimed,
    created,
    image_output,
    later,
    produced,
    uploaded,
)
from tests.builders.run_commands import changed


def test_a_run_begins_with_its_creation() -> None:
    with pytest.raises(ValueError, match="begins with RunCreated"):
        RUN.fold([claimed()])


def test_a_second_creation_changes_nothing_but_the_time() -> None:
    run = RUN.fold([created()])
    again = RUN.fold([created(), created(origin="other", request_hash="x")])
    assert again == run


def test_the_fold_of_a_whole_life_is_this_state() -> None:
    end = changed(Status.SUCCESS, "complete", at=later(6))
    events: list[RunEvent] = [
        created(),
        RunClaimed(
            attempt=1,
            machine_id=OTHER_ID,
            prompt_id=prompt_id(RUN_ID, 1),
            fence=1,
            worker="w",
            at=later(1),
        ),
        changed(Status.STARTED, "machine", at=later(2)),
        changed(Status.RUNNING, "machine", at=later(3)),
        replace(produced(image_output()), at=later(5), render_seconds=1.5),
        uploaded(),
        end,
    ]

    run = RUN.fold(events)

    assert run is not None
    assert run.uploads.keys() == {0}
    expected = Run(
        **{
            name: getattr(created(), name)
            for name in Run.__struct_fields__
            if name in created().__struct_fields__ and name != "machine_id"
        },
        id=RUN_ID,
        machine_id=OTHER_ID,
        created_at=NOW,
        updated_at=later(6),
        status=Status.SUCCESS,
        started_at=later(3),
        ended_at=later(6),
        attempt=1,
        fence=1,
        prompt_id=prompt_id(RUN_ID, 1),
        accepted=True,
        produced=True,
        outputs=(image_output(),),
        uploads=run.uploads,
        attempt_at=later(1),
        render_seconds=1.5,
        gpu_seconds=1.5,
        ending=end.ending or None,
    )
    assert run == expected


def test_an_upload_of_a_stored_run_row_has_its_fields_side_by_side() -> None:
    row = {
        "key": "outputs/a.png",
        "media_type": "image/png",
        "bytes": 10,
        "sha256": "0" * 64,
        "upload_duration": 0.25,
        "at": "2026-01-01T00:00:00Z",
        "width": 3,
        "height": 2,
    }
    assert msgspec.to_builtins(msgspec.convert(row, Upload)) == row
