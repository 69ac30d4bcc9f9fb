"""kill -9 of each process in the middle of a hundred runs: every one ends well, and once."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from tests.chaos.load import Load, graph
from tests.chaos.proof import Story, check_everything, log_end, renders
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant

pytestmark = pytest.mark.chaos

RUNS = 100
KILLED_AFTER = 25
"""Renders after which the process is killed: clients still make runs then."""


@pytest.mark.parametrize("victim", ["api", "worker", "projector", "nats", "postgres", "comfyui"])
async def test_every_accepted_run_ends_well_and_once(
    system: System, ada: Tenant, victim: str, record_property: Callable[[str, str], None]
) -> None:
    load = Load(system, ada, await ada.deploy(graph()))
    start = await log_end(system)
    before = system.rendered()

    async with system.supervised():
        making = asyncio.create_task(load.make(RUNS))

        await _until_rendered(system, before.total() + KILLED_AFTER)
        accepted = len(load.accepted)
        system.kill(victim)
        killed, first_life = datetime.now(UTC), system.rendered() - before
        began = time.monotonic()
        await making
        made = time.monotonic() - began
        runs = await load.until_ended()
        took = time.monotonic() - began

    second_life = system.rendered() - before - first_life
    stories = await check_everything(system, runs, after=start)
    assert victim in system.restarted
    assert accepted > 0
    _check_renders(runs.keys(), first_life, second_life, restarted=victim == "comfyui")
    record_property(
        f"kill -9 {victim}",
        f"{accepted} accepted before; {load.refused} refusals; all accepted after {made:.1f} s, "
        f"all ended after {took:.1f} s; longest stall {_stall(stories.values(), killed):.1f} s",
    )


async def test_even_if_all_of_them_die_one_after_the_other(system: System, ada: Tenant) -> None:
    load = Load(system, ada, await ada.deploy(graph()))
    start, before = await log_end(system), system.rendered()
    first_life = Counter[str]()

    async with system.supervised():
        making = asyncio.create_task(load.make(RUNS))
        for victim in ("worker", "nats", "s3", "comfyui", "api", "postgres", "projector"):
            await _until_rendered(system, system.rendered().total() + 5)
            system.kill(victim)
            if victim == "comfyui":
                first_life = system.rendered() - before
        await making
        runs = await load.until_ended()

    second_life = system.rendered() - before - first_life
    await check_everything(system, runs, after=start)
    _check_renders(runs, first_life, second_life, restarted=True)


async def _until_rendered(system: System, count: int) -> None:
    async def enough() -> bool:
        return system.rendered().total() >= count

    await eventually(enough, within=60)


def _check_renders(
    run_ids: Iterable[str],
    first: Counter[str],
    second: Counter[str],
    *,
    restarted: bool,
) -> None:
    for run_id in run_ids:
        lives = (renders(first, run_id), renders(second, run_id))
        if restarted:
            assert max(lives) == 1, (run_id, lives)
        else:
            assert sum(lives) == 1, (run_id, lives)


def _stall(stories: Iterable[Story], killed: datetime) -> float:
    """Return the longest time without any run ending, from the kill on, in seconds."""
    ends = sorted(story[-1].recorded_at for story in stories)
    moments = [killed, *(moment for moment in ends if moment > killed)]
    gaps = [(later - sooner).total_seconds() for sooner, later in pairwise(moments)]
    return max(gaps, default=0.0)
