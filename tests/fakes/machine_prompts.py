"""Prompts for the conformance suite of drivers, and a report that keeps what it is told."""

import asyncio
from typing import Any
from uuid import uuid4

from msgspec.structs import replace

from events.run.output import Output
from events.run.progress import Progress
from infra.machine_driver import Failed, Finished, Graph, MachineDriver
from tests.fakes.machine_labs import saved

DEADLINE = 30.0
LONG = 30.0
STEPS = 20


class Recorder:
    """A report that keeps what it is told, slowly if need be, until something fails."""

    def __init__(self, *, takes: float = 0.0, fails: Exception | None = None) -> None:
        self._takes = takes
        self._fails = fails
        self.runs = 0
        self.told: list[Progress] = []
        self.outages: list[str] = []
        self._begun = asyncio.Event()

    async def running(self) -> None:
        if self._fails:
            raise self._fails
        self.runs += 1
        self._begun.set()

    async def progress(self, progress: Progress) -> None:
        self.told.append(progress)
        await asyncio.sleep(self._takes)

    async def unreachable(self, error: str) -> None:
        self.outages.append(error)

    async def reachable(self) -> None:
        self.outages.append("")

    async def begun(self) -> None:
        async with asyncio.timeout(DEADLINE):
            await self._begun.wait()


def picture(*, seconds: float = 0.0, prefix: str = "made") -> dict[str, Any]:
    """Make a picture that is not in the cache."""
    colour = uuid4().int % 0xFFFFFF
    size = {"width": 8, "height": 8, "batch_size": 1}
    steps = STEPS if seconds < LONG else 20 * STEPS
    slow = {"seconds": seconds, "steps": steps, "preview": False, "seed": 1}
    return {
        "1": {"class_type": "EmptyImage", "inputs": size | {"color": colour}},
        "2": {
            "class_type": "StandinSlow",
            "inputs": {"image": ["1", 0]} | slow,
            "_meta": {"title": "Wait a little"},
        },
        "3": saved("2", prefix),
    }


async def run(machine: MachineDriver, graph: Graph) -> tuple[object, Recorder]:
    report, prompt_id = Recorder(), uuid4()
    await machine.submit(prompt_id, graph)
    return await machine.watch(prompt_id, graph, report), report


def timeless(outcome: object) -> object:
    """Return an outcome as those know it who did not watch: without the times of its nodes."""
    return replace(outcome, nodes=()) if isinstance(outcome, Finished | Failed) else outcome


async def content(machine: MachineDriver, output: Output) -> bytes:
    async with machine.open_output(output) as stream:
        return b"".join([chunk async for chunk in stream.chunks()])
