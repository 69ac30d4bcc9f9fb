"""Files that a machine has stored itself: taken where they are, if it is clear whose."""

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from events.aggregates import RUN
from events.run.state import Run
from events.run.status import Status
from infra.event_store import load
from infra.machine_driver import Finished
from infra.s3.keys import output_key, staged_folder, staged_key
from tests.builders.facts import RUN_ID, image_output
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.machine import FakeMachine, worker_tools
from tests.fakes.object_storage import FakeObject, FakeObjectStorage
from tests.fakes.rendering import silence
from tests.fakes.worker_parts import render, upload

ON_MACHINE, STORED = b"from the machine", b"stored by the machine itself"


async def stored(
    machine: FakeMachine, staged: Mapping[str, bytes]
) -> tuple[Run, FakeObjectStorage]:
    """Render and upload a run, with files that the machine has stored."""
    store, storage = MemoryEventStore(), FakeObjectStorage()
    for name, content in staged.items():
        storage.objects[staged_key(RUN_ID, 1, name)] = FakeObject(content, "text/html")
    tools = await worker_tools(store, machine, storage, heard=silence)
    await render(RUN_ID, 1, tools)
    await upload(RUN_ID, 1, tools)
    return (await load(store, RUN, RUN_ID)).existing, storage


@pytest.fixture
def machine() -> FakeMachine:
    machine = FakeMachine()
    machine.files = {"a.png": ON_MACHINE}
    machine.stores_itself = True
    return machine


async def test_what_the_machine_has_stored_is_not_fetched_from_it(machine: FakeMachine) -> None:
    machine.breaks["open_output"] = [AssertionError()]

    run, storage = await stored(machine, {"a.png": STORED})

    assert run.status is Status.SUCCESS
    assert storage.objects[output_key(RUN_ID, "a.png")].content == STORED
    assert run.uploads[0].bytes == len(STORED)
    assert run.uploads[0].media_type == "image/png"


async def test_what_was_taken_over_is_deleted_where_it_was(machine: FakeMachine) -> None:
    _, storage = await stored(machine, {"a.png": STORED, "b.png": STORED})

    assert [key for key in storage.objects if key.startswith(staged_folder(RUN_ID))] == []


@pytest.mark.parametrize("staged", [{}, {"b.png": STORED}, {"a.png": b""}])
async def test_what_it_has_not_stored_is_fetched_from_it(
    machine: FakeMachine, staged: dict[str, bytes]
) -> None:
    run, storage = await stored(machine, staged)

    assert run.status is Status.SUCCESS
    assert storage.objects[output_key(RUN_ID, "a.png")].content == ON_MACHINE


async def test_of_two_files_of_one_name_neither_is_taken_for_the_other(
    machine: FakeMachine,
) -> None:
    twice = (
        image_output(0),
        replace(image_output(1, "b"), filename="a.png"),
    )
    machine.outcome = Finished(outputs=twice)

    run, storage = await stored(machine, {"a.png": STORED})

    assert run.status is Status.SUCCESS
    assert {storage.objects[upload.key].content for upload in run.uploads.values()} == {ON_MACHINE}


async def test_a_machine_that_stores_nothing_itself_is_not_looked_after(
    machine: FakeMachine,
) -> None:
    machine.stores_itself = False

    _, storage = await stored(machine, {"a.png": STORED})

    assert storage.objects[output_key(RUN_ID, "a.png")].content == ON_MACHINE
