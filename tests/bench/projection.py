"""How fast the read models follow the log, and how fast they are built anew."""

import asyncio
import time
from collections.abc import Sequence
from uuid import uuid4

from consumers.read_models.projector import BATCH
from consumers.read_models.rebuild import rebuild
from events import codec
from events.aggregates import RUN
from events.envelope import AnyRecorded
from events.subjects import subject
from infra.jetstream.connection import Client
from infra.jetstream.log.reader import head, read_log
from infra.postgres import Connection
from projections.fold import Fold
from projections.queries import position
from projections.schema import create_tables, drop_tables
from projections.statements import statements
from projections.tables import TABLES, parameters
from projections.tables import Row as TableRow
from tests.bench.history import TOGETHER, birth, histories, run_events, write
from tests.bench.numbers import median, percentile
from tests.bench.scale import Scale, Told
from tests.bench.stack import Stack
from tests.bench.table import Chapter, Row, times

EVENTS_PER_RUN = 7
LIVE_RATE = 500
"""Events per second while the lag is measured."""

LAG_WARM_UP = 1.0
"""Seconds at that rate before lags count."""

LOOK_EVERY = 0.002
SCRATCH = "bench_scratch"
CATCH_UP_WITHIN = 60.0
HOW = """Histories of runs with seven events each, twenty runs at a time between each other, written
into the log with the product's encoder. Live batches: the projector's own loop (fold of at most 500
events for each transaction) over that backlog. Rebuild: all of `comfyd projections rebuild`, the
comparison and the swap included. Ceilings: the log's reader alone, without Postgres; and bare
`executemany` upserts of rows of the same shape, as many for each transaction as a batch of events
changes (each run changes seven times, so events stand for rows). Lag: 500 events/s are published
one by one, and the checkpoint is looked at every 2 ms; from the publishing to the first look that
shows the event's position."""
CAUSE = """folding, encoding the state and the upsert share one Python process with the reader of
the log; the ceilings show what each of the two costs alone."""


async def chapter(stack: Stack, scale: Scale, told: Told) -> Chapter:
    """Measure the projection."""
    await stack.fresh()
    told("writing a history")
    run_ids = [uuid4() for _ in range(scale.history // EVENTS_PER_RUN)]
    async with stack.nats() as client, stack.postgres() as connection:
        await write(client, list(histories(run_ids)))
        rows = [
            *await _folding(client, connection, scale, told),
            await _rebuilding(client, connection, told),
        ]
    told(f"lag at {LIVE_RATE} events/s")
    rows.append(await _lag(stack, scale))
    return Chapter(title="Projection", how=HOW, rows=tuple(rows))


async def caught_up(stack: Stack) -> None:
    """Wait until the read models show all that is in the log."""
    deadline = time.monotonic() + CATCH_UP_WITHIN
    async with stack.nats() as client, stack.postgres() as connection:
        goal = await head(client)
        while await position(connection) < goal:
            if time.monotonic() > deadline:
                raise TimeoutError("the projector does not catch up")
            await asyncio.sleep(LOOK_EVERY)


async def _folding(client: Client, connection: Connection, scale: Scale, told: Told) -> list[Row]:
    folded, read, upserted = [], [], []
    for number in range(scale.rounds):
        told(f"projection in batches, round {number + 1}")
        folded.append(await _fold_all(client, connection))
        read.append(await _read_all(client))
        upserted.append(await _upsert_all(connection, scale.history))
    ours = median(folded)
    return [
        Row(
            what="projection in live batches",
            goal="≥ 8,000 events/s",
            measured=f"{ours:,.0f} events/s",
            ceiling=f"reader {median(read):,.0f}/s; executemany {median(upserted):,.0f}/s",
            ratio=f"{times(ours, median(read))}; {times(ours, median(upserted))}",
            met=ours >= 8000,
            cause=CAUSE,
        )
    ]


async def _fold_all(client: Client, connection: Connection) -> float:
    await drop_tables(connection, SCRATCH)
    await create_tables(connection, SCRATCH)
    fold = Fold(connection, schema=SCRATCH)
    await fold.start()
    goal = await head(client)
    began = time.perf_counter()
    async for batch in read_log(client, after=0, limit=BATCH):
        await fold.apply(batch)
        if fold.position >= goal:
            break
    return goal / (time.perf_counter() - began)


async def _read_all(client: Client) -> float:
    goal = await head(client)
    began = time.perf_counter()
    async for batch in read_log(client, after=0, limit=BATCH):
        if batch[-1].position >= goal:
            break
    return goal / (time.perf_counter() - began)


async def _upsert_all(connection: Connection, events: int) -> float:
    """Upsert as many rows as folding *events* in batches would."""
    await drop_tables(connection, SCRATCH)
    await create_tables(connection, SCRATCH)
    statement = statements("rows.sql", SCRATCH)["save_run"]
    # A batch holds the whole life of most of its runs, so that each is one upsert.
    rows_per_batch = BATCH // EVENTS_PER_RUN + TOGETHER
    batches = [[_row_of_a_run() for _ in range(rows_per_batch)] for _ in range(events // BATCH)]
    began = time.perf_counter()
    for batch in batches:
        async with connection.transaction(), connection.cursor() as cursor:
            await cursor.executemany(statement, batch)
    spent = time.perf_counter() - began
    await drop_tables(connection, SCRATCH)
    return len(batches) * BATCH / spent


def _row_of_a_run() -> dict[str, object]:
    run_id = uuid4()
    state = RUN.fold(recorded.event for recorded in run_events(run_id))
    row = TableRow(
        id=run_id, tenant="user:bench", created_position=1, position=7, version=7, state=state
    )
    return parameters(TABLES["run"], row)


async def _rebuilding(client: Client, connection: Connection, told: Told) -> Row:
    told("rebuild")
    events = await head(client)
    read = await _read_all(client)
    began = time.perf_counter()
    await rebuild(client, connection, lambda _done, _goal: None)
    rate = events / (time.perf_counter() - began)
    return Row(
        what=f"rebuild of {events:,} events",
        goal="≥ 10,000 events/s",
        measured=f"{rate:,.0f} events/s",
        ceiling=f"reader {read:,.0f}/s",
        ratio=times(rate, read),
        met=rate >= 10_000,
        cause=CAUSE,
    )


async def _lag(stack: Stack, scale: Scale) -> Row:
    await stack.start("projector")
    async with stack.nats() as client:
        # Only an event that nobody has folded yet shows that the projector is there.
        await write(client, [birth(uuid4())])
    await caught_up(stack)
    wanted = (scale.lag_seconds + LAG_WARM_UP) * LIVE_RATE
    events = list(histories([uuid4() for _ in range(int(wanted / EVENTS_PER_RUN))]))
    async with stack.nats() as client, stack.postgres() as connection:
        goal = await head(client) + len(events)
        seen: list[tuple[float, int]] = []
        looking = asyncio.create_task(_look(connection, goal, seen))
        published = await _publish_at_rate(client, events)
        await asyncio.wait_for(looking, CATCH_UP_WITHIN)
    lags = sorted(_lags(published, seen))
    p99 = percentile(lags, 99) * 1000
    return Row(
        what=f"projection lag at {LIVE_RATE} events/s",
        goal="p99 < 100 ms",
        measured=f"p50 {percentile(lags, 50) * 1000:.1f}, p99 {p99:.1f} ms",
        met=p99 < 100,
        cause="the load, the log, Postgres and the projector take turns on the same cores",
    )


async def _publish_at_rate(client: Client, events: Sequence[AnyRecorded]) -> dict[int, float]:
    """Publish; give the time of publishing by position, once warm."""
    published: dict[int, float] = {}
    began = time.perf_counter()

    async def publish(number: int, event: AnyRecorded) -> None:
        await asyncio.sleep(began + number / LIVE_RATE - time.perf_counter())
        headers, body = codec.encode(event)
        sent = time.perf_counter()
        answer = await client.jetstream().publish(subject(event.aggregate), body, headers=headers)
        if number >= LIVE_RATE * LAG_WARM_UP:
            published[answer.seq] = sent

    await asyncio.gather(*(publish(number, event) for number, event in enumerate(events)))
    return published


async def _look(connection: Connection, goal: int, seen: list[tuple[float, int]]) -> None:
    while not seen or seen[-1][1] < goal:
        seen.append((time.perf_counter(), await position(connection)))
        await asyncio.sleep(LOOK_EVERY)


def _lags(published: dict[int, float], seen: list[tuple[float, int]]) -> list[float]:
    lags = []
    looks = iter(seen)
    at, shown = next(looks)
    for place, sent in sorted(published.items()):
        while shown < place:
            at, shown = next(looks)
        lags.append(max(at - sent, 0.0))
    return lags
