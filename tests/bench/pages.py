"""How fast pages come, with a long history behind them, and how still they stand during a run."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import chain, cycle, islice
from uuid import UUID, uuid4

import httpx
from msgspec import Struct
from msgspec.structs import replace
from playwright.async_api import Page, async_playwright

from app.cli.local.sign_in import sign_in_address
from events.aggregates import RUN
from events.run.events import RunError
from events.run.state import Run
from events.run.status import Status
from infra import clock
from infra.postgres import Connection
from projections.tables import TABLES, Row, parameters
from tests.bench.history import run_events
from tests.bench.numbers import median
from tests.bench.scale import Scale, Told
from tests.bench.stack import SECRET, USER, Stack
from tests.bench.table import Chapter
from tests.bench.table import Row as Line
from tests.builders.facts import MACHINE_ID, OTHER_ID
from tests.e2e.graphs import slow
from tests.e2e.pages.visits import sign_in
from tests.e2e.system import eventually
from tests.observe.browser import CHROMIUM, SWITCHES
from tests.observe.form_browser import ACCEPT, Browser

RUNS = 100_000
DAYS = 30
VISITS = 5
STALE = 1.1
"""Seconds after which nothing of an answer is shared any more."""

PATHS = {
    "Home": "/",
    "Runs": "/runs",
    "Runs that timed out": "/runs?status=timeout",
    "Runs of a machine, 7 days": f"/runs?machine={MACHINE_ID}&within=7d",
    "Runs of a workflow that failed": f"/runs?workflow={OTHER_ID}&status=failed",
}
WATCHED = ("Home", "Runs")
FIRST_BYTE = 0.15
PAINT = 1000
SHIFT = 0.02
SCRIPT = 100_000
DRAWN = 4.0
"""Seconds after which a page shows the end of a run, on a busy machine."""

SCRIPTS = """
performance.getEntriesByType("resource")
  .filter(({ name }) => new URL(name).pathname.endsWith(".js"))
  .reduce((bytes, entry) => bytes + entry.encodedBodySize, 0)
"""

STEPS = 40
"""Of the render that goes on while a page is watched."""

HOW = """100,000 runs of one tenant in 30 days, a tenth of them failed, two still open, beside one
API process. First byte: a signed-in client asks for a page, 1.1 s after it asked before, so that
nothing of an answer is shared; medians of 15. Then Chromium, each time with an empty cache, opens a
page right after a run of five seconds was accepted, which the page follows to its end: largest
contentful paint, and cumulative layout shift until the end; medians of five. Script: as it is
transferred, for one page."""
CAUSE = "all processes and the browser share two cores"
WATCH = """
window.seen = {lcp: 0, cls: 0};
new PerformanceObserver((list) => list.getEntries().forEach((e) => seen.lcp = e.startTime))
  .observe({type: "largest-contentful-paint", buffered: true});
new PerformanceObserver((list) => list.getEntries()
  .forEach((e) => e.hadRecentInput || (seen.cls += e.value)))
  .observe({type: "layout-shift", buffered: true});
"""


class Visited(Struct, frozen=True, kw_only=True):
    """What a browser saw of a page."""

    lcp: float
    """Milliseconds."""

    cls: float
    script: int
    """Bytes."""


async def chapter(stack: Stack, scale: Scale, told: Told) -> Chapter:
    """Measure pages."""
    await stack.fresh()
    told(f"{RUNS:,} runs")
    async with stack.postgres() as connection:
        await _write_runs(connection, clock.now())
    await stack.start("api", "projector", "worker", "comfyui")
    deployment = await stack.deploy("pages", slow(seconds=5, steps=STEPS))
    told("first bytes")
    rows = await _first_bytes(stack, scale)
    if CHROMIUM:
        rows += await _visits(stack, deployment, scale, told)
    return Chapter(title="Pages", how=HOW, rows=tuple(rows))


def _states(now: datetime) -> Iterator[Run]:
    """Yield runs, the oldest first: nearly all have ended, each with its image."""
    ended = RUN.fold([one.event for one in run_events(uuid4())])
    assert ended is not None
    broken = RunError(code="node_failed", message="CUDA out of memory")
    outcomes = islice(cycle([*[Status.SUCCESS] * 17, Status.FAILED, Status.FAILED]), RUNS)
    chosen = random.Random(7)
    for number, status in enumerate(outcomes):
        began = now - timedelta(days=DAYS) * (1 - number / RUNS) - timedelta(seconds=60)
        yield replace(
            ended,
            id=UUID(int=chosen.getrandbits(128), version=4),
            status=Status.TIMEOUT if number % 1000 == 0 else status,
            error=broken if status is Status.FAILED else None,
            created_at=began,
            ended_at=began + timedelta(seconds=chosen.uniform(2, 50)),
        )


async def _write_runs(connection: Connection, now: datetime) -> None:
    """Copy runs into the read models, as the projector would save them.

    They begin at negative positions: all that is in the log comes after them.
    """
    table = TABLES[RUN.kind]
    rows = (
        parameters(
            table,
            Row(
                id=run.id,
                tenant=f"user:{USER}",
                created_position=number - RUNS,
                position=0,
                version=7,
                state=run,
            ),
        )
        for number, run in enumerate(_states(now))
    )
    first = next(rows)
    statement = f"COPY read.run ({', '.join(first)}) FROM STDIN".encode()
    async with connection.cursor() as cursor, cursor.copy(statement) as copied:
        for row in chain([first], rows):
            await copied.write_row(tuple(row.values()))
    await connection.execute("ANALYZE read.run")


async def _first_bytes(stack: Stack, scale: Scale) -> list[Line]:
    """Measure how long it takes until a page begins to come."""
    async with _signed_in(stack) as http:
        found: dict[str, list[float]] = {name: [] for name in PATHS}
        for _ in range(5 * scale.rounds):
            for name, path in PATHS.items():
                found[name].append(await _first_byte(http, path))
            await asyncio.sleep(STALE)
    return [_first_byte_line(name, median(spent)) for name, spent in found.items()]


def _first_byte_line(name: str, seconds: float) -> Line:
    return Line(
        what=f"{name}: first byte, {RUNS:,} runs",
        goal="≤ 150 ms",
        measured=f"{seconds * 1000:.0f} ms",
        met=seconds <= FIRST_BYTE,
        cause=CAUSE,
    )


async def _first_byte(http: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    async with http.stream("GET", path) as answer:
        spent = time.perf_counter() - began
        text = (await answer.aread()).decode()
    assert answer.status_code == 200, text
    assert '<main id="main"' in text, "it is no page"
    return spent


@asynccontextmanager
async def _signed_in(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    url = f"http://127.0.0.1:{stack.port}"
    async with httpx.AsyncClient(base_url=url, headers=ACCEPT, trust_env=False) as http:
        await Browser(http).sign_in(_link(stack))
        yield http


def _link(stack: Stack) -> str:
    return sign_in_address(SECRET, f"http://127.0.0.1:{stack.port}", user=USER)


async def _visits(stack: Stack, deployment: str, scale: Scale, told: Told) -> list[Line]:
    lines = []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        first = await chromium.new_context()
        await sign_in(first, _link(stack))
        signed_in = await first.storage_state()
        for name in WATCHED:
            seen = []
            for number in range(VISITS if scale.rounds > 1 else 1):
                told(f"{name} in Chromium, visit {number + 1}")
                # A context of its own: nothing is in its cache.
                context = await chromium.new_context(storage_state=signed_in)
                await context.add_init_script(WATCH)
                seen.append(await _visit(stack, await context.new_page(), name, deployment))
                await context.close()
            lines += _visit_lines(name, seen)
        await chromium.close()
    return lines


async def _visit(stack: Stack, page: Page, name: str, deployment: str) -> Visited:
    """Open a page right after a run was accepted, and watch it until the run has ended."""
    async with stack.api() as api:
        body = {"deployment_id": deployment, "inputs": {"seed": random.getrandbits(31)}}
        made = await api.post("/v1/runs", body)
        await page.goto(f"http://127.0.0.1:{stack.port}{PATHS[name]}")
        await page.locator("[data-now=live]").wait_for()

        async def ended() -> bool:
            return (await api.get(f"/v1/runs/{made['id']}"))["ended_at"] is not None

        await eventually(ended)
    await asyncio.sleep(DRAWN)
    seen = await page.evaluate("seen")
    script = await page.evaluate(SCRIPTS)
    return Visited(lcp=seen["lcp"], cls=seen["cls"], script=script)


def _visit_lines(name: str, seen: Sequence[Visited]) -> list[Line]:
    lcp, cls = median(v.lcp for v in seen), median(v.cls for v in seen)
    script = max(v.script for v in seen)
    return [
        Line(
            what=f"{name}: largest contentful paint",
            goal="< 1 s",
            measured=f"{lcp:,.0f} ms",
            met=lcp < PAINT,
            cause=CAUSE,
        ),
        Line(
            what=f"{name}: cumulative layout shift during a run",
            goal="≤ 0.02",
            measured=f"{cls:.3f}",
            met=cls <= SHIFT,
            cause="something moves while a run goes on",
        ),
        Line(
            what=f"{name}: script, compressed",
            goal="≤ 100 KB",
            measured=f"{script / 1000:.1f} KB",
            met=script <= SCRIPT,
            cause="the libraries have grown",
        ),
    ]
