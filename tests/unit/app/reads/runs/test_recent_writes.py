"""What a process has promised of a run: nothing older is shown, whatever the log answers."""

from collections.abc import Awaitable, Callable
from typing import Any, cast
from uuid import UUID

import pytest

from app.auth.caller import Caller
from app.reads.runs.batches import BatchReads
from app.reads.runs.recent_writes import RecentWrites
from app.reads.runs.rows import RunRows
from app.reads.runs.runs import RunReads
from app.reads.runs.texts import Texts
from events.errors import NotFound
from infra.event_store import LogUnavailable
from infra.postgres import Pool
from infra.settings.settings import Spaces
from tests.builders.facts import RUN_ID
from tests.fakes.event_store import MemoryEventStore

OTHER = UUID("00000000-0000-4000-8000-0000000000ff")


@pytest.mark.parametrize("position", [7, 8])
def test_an_answer_as_new_as_what_was_promised_is_good(position: int) -> None:
    recent = RecentWrites()
    recent.note(RUN_ID, 7)

    recent.promise(RUN_ID)(position)
    recent.promise(OTHER)(0)


@pytest.mark.parametrize("position", [0, 6])
def test_an_older_answer_of_the_log_is_refused_as_one_of_a_deposed_leader(position: int) -> None:
    recent = RecentWrites()
    recent.note(RUN_ID, 7)
    recent.note(RUN_ID, 3)

    with pytest.raises(LogUnavailable):
        recent.promise(RUN_ID)(position)


def test_what_others_are_promised_while_the_log_is_asked_is_not_asked_of_its_answer() -> None:
    recent = RecentWrites()
    recent.note(RUN_ID, 7)
    check = recent.promise(RUN_ID)

    recent.note(RUN_ID, 9)

    check(7)
    with pytest.raises(LogUnavailable):
        recent.promise(RUN_ID)(7)


class NoRows:
    """Postgres knows nothing yet."""

    async def get(self, _identifier: UUID) -> None:
        """Find nothing."""


Find = Callable[[Caller, UUID], Awaitable[object]]


def find_runs(recent: RecentWrites) -> list[Find]:
    reads = RunReads(
        MemoryEventStore(),
        cast("Pool", None),
        cast("RunRows", NoRows()),
        cast("Texts", None),
        recent,
        cast("Spaces", None),
    )
    return [reads.find, reads.session, reads.events]


def find_batches(recent: RecentWrites) -> list[Find]:
    nothing = cast("Any", NoRows())
    reads = BatchReads(MemoryEventStore(), nothing, nothing, nothing, recent)
    return [reads.session]


@pytest.mark.parametrize("ways_of", [find_runs, find_batches])
async def test_what_was_promised_is_never_said_not_to_be_there(
    ways_of: Callable[[RecentWrites], list[Find]],
) -> None:
    caller = Caller(user_id="ada", org_id=None)
    for number in range(len(ways_of(RecentWrites()))):
        recent = RecentWrites()
        find = ways_of(recent)[number]
        with pytest.raises(NotFound):
            await find(caller, RUN_ID)
        recent.note(RUN_ID, 7)
        with pytest.raises(LogUnavailable):
            await find(caller, RUN_ID)
