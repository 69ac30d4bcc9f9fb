"""Texts are put into the outputs of runs that have any, from memory where they are known."""

from typing import cast
from uuid import UUID, uuid4

from msgspec.structs import replace
from typing_extensions import override

from app.reads.runs.texts import Texts
from events.aggregates import RUN
from events.run.events import RunDataErased, StatusChanged
from events.run.output import Output
from events.run.state import Run
from events.run.status import Status
from infra.jetstream.private_data import PrivateData
from tests.builders.facts import claimed, created, image_output, later, produced
from tests.fakes.private_data import FakePrivateData

TEXT = Output(index=1, node_id="10", kind="text", length=5)
OLD = Output(index=2, node_id="11", kind="text", text="in the log")


class Counting(FakePrivateData):
    """Counts the questions."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    @override
    async def get_texts(self, run_id: UUID, attempt: int) -> dict[int, str]:
        self.asked += 1
        return await super().get_texts(run_id, attempt)


def run_with(*outputs: Output) -> Run:
    run = RUN.fold([created(run_id=uuid4()), claimed(), produced(*outputs)])
    assert run is not None
    return run


def texts_in(run: Run) -> list[str | None]:
    return [output.text for output in run.outputs]


async def test_a_run_gets_its_texts_and_is_asked_for_once() -> None:
    private = Counting()
    texts = Texts(cast("PrivateData", private))
    run = run_with(image_output(), TEXT, OLD)
    await private.put_texts(run.id, 1, {1: "otter"})

    for _ in range(3):
        filled = await texts.put_into(run)
        assert texts_in(filled) == [None, "otter", "in the log"]
    assert private.asked == 1


async def test_a_run_without_texts_costs_no_question() -> None:
    private = Counting()
    texts = Texts(cast("PrivateData", private))
    for run in (run_with(image_output()), run_with(OLD), run_with()):
        assert await texts.put_into(run) is run
    assert private.asked == 0


async def test_texts_that_are_gone_are_none_and_are_looked_for_again() -> None:
    private = Counting()
    texts = Texts(cast("PrivateData", private))
    run = run_with(TEXT)
    assert texts_in(await texts.put_into(run)) == [None]
    await private.put_texts(run.id, 1, {1: "otter"})
    assert texts_in(await texts.put_into(run)) == ["otter"]


async def test_an_erased_run_gets_no_texts_even_if_they_are_remembered() -> None:
    private = Counting()
    texts = Texts(cast("PrivateData", private))
    run = run_with(TEXT)
    await private.put_texts(run.id, 1, {1: "otter"})
    await texts.put_into(run)

    end = StatusChanged(
        status=Status.CANCELLED, reason="cancelled", attempt=1, machine_id=None, at=later(1)
    )
    erased = RUN.fold([end, RunDataErased(reason="request", by="ada", at=later(2))], run)
    assert erased is not None
    assert texts_in(await texts.put_into(erased)) == [None]


async def test_memory_is_bounded_and_attempts_are_kept_apart() -> None:
    private = Counting()
    texts = Texts(cast("PrivateData", private), remembered=9)
    first, second = run_with(TEXT), run_with(TEXT)
    again = replace(first, attempt=2)
    await private.put_texts(first.id, 1, {1: "otter"})
    await private.put_texts(first.id, 2, {1: "moose"})
    await private.put_texts(second.id, 1, {1: "whale"})

    seen = [texts_in(await texts.put_into(run)) for run in (first, again, second, second, first)]

    assert seen == [["otter"], ["moose"], ["whale"], ["whale"], ["otter"]]
    assert private.asked == 4
