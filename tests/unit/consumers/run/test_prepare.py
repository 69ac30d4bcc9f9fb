"""What a machine is given is made with what it says of its classes, whatever DNS does."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import UUID

import msgspec
import pytest
from typing_extensions import override

from events.graph.object_info import Infos
from infra.machine_driver import Graph
from tests.builders.editor_graphs import info
from tests.builders.facts import RUN_ID
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.machine import FakeMachine, worker_tools
from tests.fakes.object_storage import FakeObjectStorage
from tests.fakes.rendering import silence
from tests.fakes.worker_parts import render

SAVES = {"1": {"class_type": "Narrow", "inputs": {"seed": 10**14}}}


class NarrowMachine(FakeMachine):
    """Has one class, whose seeds have four bits."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Collection[str]] = []
        self.given: list[Graph] = []

    @override
    async def describe(self, classes: Collection[str]) -> Infos:
        self.asked.append(classes)
        return {"Narrow": info(seed=["INT", {"min": 0, "max": 15}], saves=True)}

    @override
    async def submit(
        self,
        prompt_id: UUID,
        graph: Graph,
        *,
        ui_graph: Mapping[str, Any] | None = None,
        callback_token: str = "",
    ) -> None:
        self.given.append(graph)
        await super().submit(prompt_id, graph, ui_graph=ui_graph)


async def test_a_seed_is_within_the_limits_of_the_machine_that_gets_it() -> None:
    machine, storage = NarrowMachine(), FakeObjectStorage()
    await storage.put_bytes("workflows/graph.json", msgspec.json.encode(SAVES), "application/json")
    tools = await worker_tools(MemoryEventStore(), machine, storage, heard=silence)

    await render(RUN_ID, 1, tools)

    [graph] = machine.given
    assert machine.asked == [{"Narrow"}]
    assert 0 <= graph["1"]["inputs"]["seed"] <= 15


@pytest.fixture
async def hanging_dns() -> AsyncIterator[None]:
    """Hold all threads of asyncio, in which names are looked up as well."""
    answered, threads = Event(), ThreadPoolExecutor(max_workers=1)
    loop = asyncio.get_running_loop()
    loop.set_default_executor(threads)
    lookup = loop.run_in_executor(None, answered.wait, 60)
    yield
    answered.set()
    await lookup


@pytest.mark.usefixtures("hanging_dns")
async def test_names_that_dns_does_not_answer_for_hold_up_no_run() -> None:
    machine, storage = NarrowMachine(), FakeObjectStorage()
    tools = await worker_tools(MemoryEventStore(), machine, storage, heard=silence)

    async with asyncio.timeout(10):
        await render(RUN_ID, 1, tools)

    assert len(machine.given) == 1
