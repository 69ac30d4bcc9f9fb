"""What must hold after any accident: nothing lost, nothing twice, and all copies agree."""

import hashlib
from collections import Counter
from collections.abc import Collection
from uuid import UUID

import httpx
import msgspec

from events.aggregates import RUN
from events.envelope import AnyRecorded, Recorded
from events.ids import prompt_id
from events.run.decide import MAX_ATTEMPTS
from events.run.events import RunCreated
from events.run.status import TERMINAL
from infra.jetstream.connection import Client, connected
from infra.jetstream.log.reader import head, read_log
from infra.postgres import connect
from projections.health import quarantine
from projections.queries import position
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json

Story = list[AnyRecorded]


async def read_stories(client: Client, *, after: int) -> dict[str, Story]:
    """Read the events of every run that was made after a position, by run id."""
    stories: dict[str, Story] = {}
    end = await head(client)
    if end <= after:
        return stories
    async for batch in read_log(client, after=after, limit=1000):
        for entry in batch:
            assert isinstance(entry, Recorded)
            if entry.aggregate.startswith("run-"):
                stories.setdefault(entry.aggregate.removeprefix("run-"), []).append(entry)
        if batch[-1].position >= end:
            break
    return {k: story for k, story in stories.items() if isinstance(story[0].event, RunCreated)}


def check_story(story: Story, *, status: str) -> None:
    """Check that a run has one beginning, one end, and every event in between once."""
    assert [e.version for e in story] == list(range(1, len(story) + 1))
    assert len({e.id for e in story}) == len(story)
    assert [isinstance(e.event, RunCreated) for e in story].count(True) == 1
    assert [e.status in TERMINAL for e in story] == [False] * (len(story) - 1) + [True]
    assert story[-1].status == status
    run = RUN.fold(e.event for e in story)
    assert run is not None
    assert run.complete


async def check_tables(system: System, stories: dict[str, Story]) -> None:
    """Check that every row of Postgres is the fold of its run's events."""
    end = max(story[-1].position for story in stories.values())
    async with connect(system.env["POSTGRES_URL"]) as connection:

        async def caught_up() -> bool:
            return await position(connection) >= end

        await eventually(caught_up)
        assert await quarantine(connection) == []
        found = await connection.execute(_ROWS, ([UUID(run_id) for run_id in stories],))
        rows = {str(row[0]): row[1:] for row in await found.fetchall()}
    assert rows == {run_id: _row(story) for run_id, story in stories.items()}


_ROWS = """
SELECT id, tenant, status, created_position, position, version, ended_at, state
FROM read.run WHERE id = ANY(%s)
"""


def _row(story: Story) -> tuple[object, ...]:
    run = RUN.fold(e.event for e in story)
    assert run is not None
    return (
        story[0].meta.tenant,
        run.status,
        story[0].position,
        story[-1].position,
        len(story),
        run.ended_at,
        msgspec.json.encode(run),
    )


async def check_files(runs: Collection[Json]) -> None:
    """Check that every output is in object storage and is what its event says."""
    async with httpx.AsyncClient(trust_env=False, timeout=40) as http:
        for run in runs:
            [output] = run["outputs"]
            data = (await http.get(output["url"])).raise_for_status().content
            assert hashlib.sha256(data).hexdigest() == output["sha256"]
            assert len(data) == output["bytes"]


def renders(counted: Counter[str], run_id: str) -> int:
    """Count how often a run was rendered, over all its attempts."""
    identifier = UUID(run_id)
    return sum(counted[str(prompt_id(identifier, n))] for n in range(1, MAX_ATTEMPTS + 1))


async def check_everything(
    system: System, runs: dict[str, Json], *, after: int
) -> dict[str, Story]:
    """Check the whole of what is claimed; give the runs' events."""
    async with connected(system.env["NATS_URL"], name="proof") as client:
        stories = await read_stories(client, after=after)
    assert stories.keys() == runs.keys()
    for story in stories.values():
        check_story(story, status="success")
    await check_tables(system, stories)
    await check_files(runs.values())
    return stories


async def log_end(system: System) -> int:
    """Return the position of the log's last event."""
    async with connected(system.env["NATS_URL"], name="proof") as client:
        return await head(client)
