"""What a process has promised of a run: nothing older is shown, whatever the log answers."""

from collections.abc import Awaitable, Callable
from typing import cast
from uuid import UUID

import pytest
from msgspec import Struct

from app.auth import Caller
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
    recent: RecentWrites
    run_rows: NoRows


@pytest.mark.parametrize("find", [find_run, run_session, run_events, batch_session])
async def test_what_was_promised_is_never_said_not_to_be_there(
    find: Callable[[House, Caller, UUID], Awaitable[object]],
) -> None:
    fake = FakeHouse(MemoryEventStore(), RecentWrites(), NoRows())
    house, caller = cast("House", fake), Caller(user_id="ada", org_id=None)

    with pytest.raises(NotFound):
        await find(house, caller, RUN_ID)
    fake.recent.note(RUN_ID, 7)
    with pytest.raises(LogUnavailable):
        await find(house, caller, RUN_ID)
