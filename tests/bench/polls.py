"""How fast the status of runs is answered."""

from uuid import UUID, uuid4

from events.run.status import Status
from infra.postgres import Pool, open_pool
from tests.bench.accept import repeated
from tests.bench.history import run_events, write
from tests.bench.load import Load, measure
from tests.bench.numbers import Measured, middle
from tests.bench.projection import caught_up
from tests.bench.scale import Scale, Told
from tests.bench.stack import USER, Stack
from tests.bench.table import Chapter, Row, times
from tests.bench.wire import Connection, request

CLIENTS = (16, 64)
RUNS = 200
RUNNING_EVENTS = 4
"""Events after which a run is running."""

POOL_SIZE = 8
"""As the API's."""

PATHS = {
    "GET /api/status/{id}": "/api/status/{}",
    "GET /v1/runs/{id}": "/v1/runs/{}",
}
SELECT = b"""
SELECT id, tenant, created_position, position, version, state
FROM read.run WHERE id = %(id)s AND tenant = %(tenant)s
"""
GOAL = 3000
HOW = """200 runs, half of them running and half ended with an image, asked in turn over keep-alive
connections from a process of their own; one API process; load, API and Postgres share the machine's
cores. Ceilings: the same row selected by its key over a pool of the same size from one Python
process; an ASGI app without a framework that answers the same bytes on the same uvicorn under the
same load."""
CAUSE = """one Python process does the HTTP, the framework's routing and the wait for Postgres; the
bare `SELECT` alone needs as much of a core as the ceiling shows, and load and Postgres take their
part of the same cores."""


async def chapter(stack: Stack, scale: Scale, told: Told) -> Chapter:
    """Measure polling."""
    await stack.fresh()
    run_ids = await _runs(stack)
    await stack.start("api", "bare")
    rows = []
    for clients in CLIENTS:
        for what, path in PATHS.items():
            told(f"{what}, {clients} clients")
            rows.append(await _row(stack, scale, what, path, run_ids, clients))
    return Chapter(title="Polling", how=HOW, rows=tuple(rows))


async def _runs(stack: Stack) -> list[UUID]:
    run_ids = [uuid4() for _ in range(RUNS)]
    ended, running = run_ids[: RUNS // 2], run_ids[RUNS // 2 :]
    events = [event for run_id in ended for event in run_events(run_id)]
    events += [event for run_id in running for event in run_events(run_id)[:RUNNING_EVENTS]]
    assert events[-1].status == Status.RUNNING
    async with stack.nats() as client:
        await write(client, events)
    await stack.start("projector")
    await caught_up(stack)
    stack.stop("projector")
    return run_ids


async def _row(
    stack: Stack, scale: Scale, what: str, path: str, run_ids: list[UUID], clients: int
) -> Row:
    polls = [request("GET", path.format(run_id), token=stack.token) for run_id in run_ids]
    async with Connection(stack.port) as ours, Connection(stack.bare_port) as bare:
        body = (await ours.ask(polls[0])).body
        await bare.ask(request("POST", "/answer", body=body))
    found: dict[str, list[Measured]] = {"ours": [], "asgi": [], "select": []}
    async with open_pool(stack.env["POSTGRES_URL"], size=POOL_SIZE) as pool:
        for _ in range(scale.rounds):
            found["ours"].append(await _load(stack.port, polls, clients, scale))
            found["select"].append(await _selects(pool, run_ids[0], clients, scale.seconds))
            plain = [request("GET", "/")]
            found["asgi"].append(await _load(stack.bare_port, plain, clients, scale))
    polled, select, asgi = (middle(found[name]) for name in ("ours", "select", "asgi"))
    return Row(
        what=f"{what}, {clients} clients",
        goal=f"≥ {GOAL:,}/s per core",
        measured=str(polled),
        ceiling=f"SELECT {select.rate:,.0f}/s; ASGI {asgi.rate:,.0f}/s",
        ratio=f"{times(polled.rate, select.rate)}; {times(polled.rate, asgi.rate)}",
        met=polled.rate >= GOAL,
        cause=CAUSE,
    )


async def _load(port: int, requests: list[bytes], clients: int, scale: Scale) -> Measured:
    load = Load(port=port, requests=requests, clients=clients, seconds=scale.seconds)
    return await measure(load)


async def _selects(pool: Pool, run_id: UUID, clients: int, seconds: float) -> Measured:
    parameters = {"id": run_id, "tenant": f"user:{USER}"}

    async def select() -> None:
        async with pool.connection() as connection:
            cursor = await connection.execute(SELECT, parameters)
            assert await cursor.fetchone()

    return await repeated(select, clients, seconds)
