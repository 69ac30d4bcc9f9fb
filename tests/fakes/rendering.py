"""A worker that renders on a fake machine, and what it has written of the run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from events.aggregates import RUN
from events.run.state import Run
from infra.event_store import load
from tests.builders.facts import RUN_ID
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.machine import FakeMachine, worker_tools
from tests.fakes.object_storage import FakeObjectStorage
from tests.fakes.worker_parts import WorkerParts


class Died(Exception):
    """The process ends here."""


@asynccontextmanager
async def silence(_: str, __: str) -> AsyncIterator[asyncio.Event]:
    """Hear no announcement."""
    yield asyncio.Event()


async def worker(store: MemoryEventStore, machine: FakeMachine, **changes: Any) -> WorkerParts:
    """Return the tools of a worker."""
    return await worker_tools(store, machine, FakeObjectStorage(), **({"heard": silence} | changes))


async def run_of(store: MemoryEventStore) -> Run:
    """Return the state of the run."""
    state = (await load(store, RUN, RUN_ID)).state
    assert state is not None
    return state


async def events_of(store: MemoryEventStore, kind: str) -> list[Any]:
    """Return the events of one kind."""
    recorded = await store.read(RUN.name(RUN_ID))
    return [entry.event for entry in recorded if entry.type == f"run.{kind}.v1"]
