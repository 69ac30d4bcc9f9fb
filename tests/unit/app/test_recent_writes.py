"""What a process has promised of a run: nothing older is shown, whatever the log answers."""

from collections.abc import Awaitable, Callable
from typing import cast
from uuid import UUID

import pytest
from msgspec import Struct

from app.auth.caller import Caller
from app.find_batch import batch_session
from app.find_run import find_run, run_events, run_session
from app.house import House, RecentWrites
from events.errors import NotFound
from infra.event_store import LogUnavailable
from tests.builders import RUN_ID
from tests.memory_event_store import MemoryEventStore

OTHER = UUID("00000000-0000-4000-8000-0000000000ff")


@pytest.mark.parametrize("position", [7, 8])
def test_an_answer_as_new_as_what_was_promised_is_good(position: int) -> None:
    recent = RecentWrites()
    recent.note(RUN_ID, 7)

    recent.check(RUN_ID, position)
    recent.check(OTHER, 0)


@pytest.mark.parametrize("position", [0, 6])
def test_an_older_answer_of_the_log_is_refused_as_one_of_a_deposed_leader(position: int) -> None:
    recent = RecentWrites()
    recent.note(RUN_ID, 7)
    recent.note(RUN_ID, 3)

    with pytest.raises(LogUnavailable):
        recent.check(RUN_ID, position)


class NoRows:
    """Postgres knows nothing yet."""

    async def get(self, _identifier: UUID) -> None:
        """Find nothing."""


class FakeHouse(Struct):
    """What finding reaches for."""

    store: MemoryEventStore
    recent_runs: RecentWrites
    recent_batches: RecentWrites
    run_rows: NoRows


RUNS = [find_run, run_session, run_events]


@pytest.mark.parametrize(
    ("find", "of_batches"), [*((find, False) for find in RUNS), (batch_session, True)]
)
async def test_what_was_promised_is_never_said_not_to_be_there(
    find: Callable[[House, Caller, UUID], Awaitable[object]],
    *,
    of_batches: bool,
) -> None:
    runs, batches = RecentWrites(), RecentWrites()
    fake = FakeHouse(MemoryEventStore(), runs, batches, NoRows())
    house, caller = cast("House", fake), Caller(user_id="ada", org_id=None)
    own, others = (batches, runs) if of_batches else (runs, batches)

    # The id of a run is no batch's, whoever asks for it.
    others.note(RUN_ID, 7)
    with pytest.raises(NotFound):
        await find(house, caller, RUN_ID)
    own.note(RUN_ID, 7)
    with pytest.raises(LogUnavailable):
        await find(house, caller, RUN_ID)
