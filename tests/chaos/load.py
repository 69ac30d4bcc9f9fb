"""Clients that make runs while the system breaks, and try again as good clients do."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import httpx

from tests.e2e.graphs import Graph, external, node
from tests.e2e.system import System, eventually
from tests.e2e.tenant import ENDS, Json, Tenant

CLIENTS = 10
BACKLOG = 20
"""Runs that wait at the same time."""

PATIENCE = 120.0
"""Seconds that everything may take after a kill."""


def graph() -> Graph:
    """Build a render of a few steps; 0 seconds make it a fast one."""
    return {
        "1": external("NumberInt", "seed", default_value=0),
        "2": external("Number", "seconds", default_value=0),
        "3": node("EmptyImage", width=16, height=8, batch_size=1, color=["1", 0]),
        "4": node(
            "StandinSlow",
            image=["3", 0],
            seconds=["2", 0],
            steps=4,
            preview=False,
            seed=["1", 0],
        ),
        "5": node("SaveImage", images=["4", 0], filename_prefix="chaos"),
    }


class Load:
    """Runs made by several clients at once."""

    def __init__(self, system: System, tenant: Tenant, deployment: str) -> None:
        self._system = system
        self._tenant = tenant
        self._deployment = deployment
        self._rendered_before = system.rendered().total()
        self.accepted: dict[str, float] = {}
        """Run id to the moment of its acceptance."""

        self.refused = 0
        """How often a client was told to come again, or told nothing."""

    async def make(self, count: int, *, clients: int = CLIENTS) -> None:
        """Make so many runs; every one has its own seed, one in four takes a while.

        No more than BACKLOG wait at a time, so that runs are made all the while.
        """
        seeds = iter(range(count))

        async def client() -> None:
            for seed in seeds:
                await eventually(self._has_room, within=PATIENCE)
                inputs = {"seed": seed, "seconds": 0 if seed % 4 else 0.2}
                run = await self._insist(inputs, key=str(uuid4()))
                self.accepted[run["id"]] = time.monotonic()

        await asyncio.gather(*(client() for _ in range(clients)))

    async def until_ended(self) -> dict[str, Json]:
        """Wait for the end of all runs."""
        ended: dict[str, Json] = {}
        deadline = time.monotonic() + PATIENCE
        while missing := self.accepted.keys() - ended.keys():
            assert time.monotonic() < deadline, f"{len(missing)} did not end: {sorted(missing)}"
            for run_id in missing:
                run = await self._look(run_id)
                if run and run["status"] in ENDS:
                    ended[run_id] = run
            await asyncio.sleep(0.1)
        return ended

    async def _has_room(self) -> bool:
        rendered = self._system.rendered().total() - self._rendered_before
        return len(self.accepted) - rendered <= BACKLOG

    async def _insist(self, inputs: Json, *, key: str) -> Json:
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = await self._try(
                lambda: self._tenant.create(self._deployment, inputs, Idempotency_Key=key)
            )
            if answer is not None:
                # 200: the lost answer's run has come to its end before it was asked for again.
                assert answer.status_code in {200, 202}, answer.text
                return dict(answer.json())
            assert time.monotonic() < deadline, "no run was accepted"
            self.refused += 1
            await asyncio.sleep(0.2)

    async def _look(self, run_id: str) -> Json | None:
        answer = await self._try(lambda: self._tenant.http.get(f"/v1/runs/{run_id}"))
        return dict(answer.raise_for_status().json()) if answer is not None else None

    async def _try(self, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response | None:
        try:
            answer = await ask()
        except httpx.TransportError:
            return None
        return None if answer.status_code == 503 else answer
