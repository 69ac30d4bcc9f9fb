"""A restore as its page types it, with work open at every stage; and the loss of the queue."""

import asyncio
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from msgspec import Struct

from app.commands.runs.create_run import target_of
from events import subjects
from events.aggregates import BATCH, DEPLOYMENT, RUN
from events.batch import BatchCreated, BatchItem, CancelBatch, CreateBatch
from events.envelope import Meta
from events.ids import batch_run_id
from events.run.commands import ClaimRun, LoseAttempt, RecordOutputs
from events.run.status import TERMINAL
from infra import clock
from infra.event_store import Session, load
from infra.jetstream.calls import api
from infra.jetstream.connection import Client, connected
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.private_data import PrivateData
from infra.jetstream.work.reactor_durable import REACTOR
from infra.s3.storage import open_object_storage
from infra.settings.settings import settings_from
from tests.chaos.proof import log_end, read_stories, renders
from tests.e2e.batches import colours, make
from tests.e2e.graphs import card, slow
from tests.e2e.system import System, eventually
from tests.e2e.tenant import ENDS, Tenant

pytestmark = pytest.mark.chaos

PAGE = Path(__file__).parents[2] / "docs" / "back-up-and-restore.md"
COMMAND = str(Path(sys.executable).with_name("comfyd"))
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STREAMS = (subjects.LOG, subjects.INPUTS, subjects.WORK, subjects.DEAD_LETTERS, subjects.PROBE)


@asynccontextmanager
async def without_a_worker(system: System) -> AsyncIterator[None]:
    """Kill the worker; at the end start one that does not wait for long."""
    system.kill("worker")
    system.end("worker")
    try:
        yield
    finally:
        system.start_own("worker", "tests.e2e.impatient_worker")


class Dead:
    """What a process has recorded just before it died."""

    def __init__(self, client: Client) -> None:
        self.store = JetStreamEventStore(client)

    async def claims(self, run_id: str) -> None:
        """Leave a run claimed, before the machine was called."""
        run = await load(self.store, RUN, UUID(run_id))
        claim = ClaimRun(machine_id=run.existing.machine_id, worker="worker:dead", now=clock.now())
        await run.execute(claim, _meta())

    async def loses(self, run_id: str) -> None:
        """Leave a run that is to be tried again."""
        await self.claims(run_id)
        run = await load(self.store, RUN, UUID(run_id))
        await run.execute(LoseAttempt(attempt=1, reason="gone", now=clock.now()), _meta())

    async def renders(self, run_id: str, *, like: str) -> None:
        """Leave a run that was rendered, with files that another has left on the machine."""
        await self.claims(run_id)
        outputs = (await load(self.store, RUN, UUID(like))).existing.outputs
        run = await load(self.store, RUN, UUID(run_id))
        await run.execute(RecordOutputs(attempt=1, outputs=outputs, now=clock.now()), _meta())

    async def promises(self, deployment: str, runs: int) -> list[str]:
        """Leave a batch that was accepted, with none of its runs."""
        promoted = await self.store.last(DEPLOYMENT.name(UUID(deployment)))
        assert promoted is not None
        batch_id = uuid4()
        items = tuple(
            BatchItem(run_id=batch_run_id(batch_id, n), request_hash=f"{n}", has_inputs=False)
            for n in range(runs)
        )
        created = BatchCreated(
            batch_id=batch_id,
            user_id="ada",
            org_id=None,
            targets=(target_of(promoted.event),),
            items=items,
            request_hash="promised",
            origin="api",
            at=clock.now(),
        )
        session = Session(self.store, BATCH, batch_id, tenant="user:ada")
        await session.execute(CreateBatch(created=created), _meta())
        return [str(item.run_id) for item in items]

    async def wishes_to_stop(self, batch_id: str) -> None:
        """Leave a batch that is to be stopped, with none of its runs stopped."""
        session = await load(self.store, BATCH, UUID(batch_id))
        await session.execute(CancelBatch(by="user:ada", now=clock.now()), _meta())


def _meta() -> Meta:
    return Meta(tenant="user:ada", actor="worker:dead", command_id=uuid4())


class Opened(Struct, frozen=True, kw_only=True):
    """Runs at every stage, by what must become of them."""

    success: list[str]
    cancelled: list[str]
    rendered: str
    """Which was rendered before."""

    @property
    def ends(self) -> dict[str, str]:
        """The status in which each must end."""
        return dict.fromkeys(self.success, "success") | dict.fromkeys(self.cancelled, "cancelled")


async def test_after_a_restore_everything_that_was_open_ends_right_and_once(
    system: System, ada: Tenant, tmp_path: Path
) -> None:
    before, start = system.rendered(), await log_end(system)
    quick, lengthy = await ada.deploy(card()), await ada.deploy(slow())
    kept, forgotten, leaving = [
        (await ada.run(quick, {"colour": colour}))["id"] for colour in (1, 2, 3)
    ]
    await erase(ada, forgotten)
    await until_erased(ada, forgotten)
    running = await ada.start(lengthy, {"seed": 801, "seconds": 4})
    await ada.reaches(running, "running")
    stopping = await ada.start(lengthy, {"seed": 802, "seconds": 20})
    await ada.reaches(stopping, "started")

    async with without_a_worker(system):
        assert (await ada.cancel(stopping)).is_success
        await erase(ada, leaving)
        opened = await open_more(system, ada, quick, lengthy, like=kept)
        # As if these were older than the log: they hold what was erased since.
        await bring_back(system, forgotten)
        await type_what_the_page_types(system, tmp_path / "backup")
    await system.until_ready(system.url)

    opened.success.extend([kept, running])
    opened.cancelled.append(stopping)
    found = {run_id: await end_of(ada, run_id) for run_id in opened.ends}
    assert found == opened.ends
    for run_id in (forgotten, leaving):
        await until_erased(ada, run_id)
        assert await left_of(system, run_id) == []
    once = dict.fromkeys(opened.success, 1) | {opened.rendered: 0}
    counted = system.rendered() - before
    assert {run_id: renders(counted, run_id) for run_id in once} == once
    async with connected(system.env["NATS_URL"], name="test") as client:
        stories = await read_stories(client, after=start)
    for run_id in opened.ends:
        assert [e.status in TERMINAL for e in stories[run_id]].count(True) == 1, run_id


async def open_more(system: System, ada: Tenant, quick: str, lengthy: str, *, like: str) -> Opened:
    """Leave runs and batches as processes do that died at each step."""
    claimed, lost, rendered, accepted = [
        await ada.start(quick, {"colour": colour}) for colour in (11, 12, 13, 14)
    ]
    batch = await make(ada, quick, colours(2, first=20))
    unwanted = await make(ada, lengthy, [{"seed": 810 + n, "seconds": 60} for n in range(2)])
    async with connected(system.env["NATS_URL"], name="test") as client:
        dead = Dead(client)
        await dead.claims(claimed)
        await dead.loses(lost)
        await dead.renders(rendered, like=like)
        await dead.wishes_to_stop(unwanted["id"])
        promised = await dead.promises(quick, 2)
    return Opened(
        success=[claimed, lost, rendered, accepted, *promised, *batch["runs"]],
        cancelled=list(unwanted["runs"]),
        rendered=rendered,
    )


async def test_lost_work_and_a_lost_durable_are_made_good_while_the_worker_lives(
    system: System, ada: Tenant
) -> None:
    deployment, before = await ada.deploy(slow()), system.rendered()
    system.end("worker")
    system.start_own("worker", "tests.e2e.impatient_worker")
    run_ids = [await ada.start(deployment, {"seed": 900 + n, "seconds": 1.5}) for n in range(3)]
    await ada.reaches(run_ids[0], "running")

    async with connected(system.env["NATS_URL"], name="test") as client:
        await api(client, f"STREAM.PURGE.{subjects.WORK}", {}, within=5)
        await api(client, f"CONSUMER.DELETE.{subjects.LOG}.{REACTOR}", {}, within=5)
        run_ids += [await ada.start(deployment, {"seed": 910, "seconds": 0})]
        ended = [await ada.ended(run_id, within=60) for run_id in run_ids]

        assert [run["status"] for run in ended] == ["success"] * 4
        counted = system.rendered() - before
        assert [renders(counted, run_id) for run_id in run_ids] == [1] * 4
        # The reactor hears again: the next run does not wait until somebody looks.
        info = await api(client, f"CONSUMER.INFO.{subjects.LOG}.{REACTOR}", {}, within=5)
        assert info["push_bound"]


async def erase(ada: Tenant, run_id: str) -> None:
    answer = await ada.http.post(f"/v1/runs/{run_id}/erase")
    assert answer.status_code == 202, answer.text


async def until_erased(ada: Tenant, run_id: str) -> None:
    async def erased() -> bool:
        return bool((await ada.read(run_id))["erasure"] == "done")

    await eventually(erased, within=60)


async def end_of(ada: Tenant, run_id: str) -> str:
    """Wait for the end of a run that may not have been made yet; return its status."""

    async def end() -> str | None:
        answer = await ada.http.get(f"/v1/runs/{run_id}")
        status = str(answer.json().get("status"))
        return status if answer.is_success and status in ENDS else None

    return await eventually(end, within=90)


async def bring_back(system: System, run_id: str) -> None:
    """Put private data where an older backup and an older bucket would have them."""
    async with connected(system.env["NATS_URL"], name="test") as client:
        await PrivateData(client).put_inputs(UUID(run_id), "hash", {"colour": 4711})
    async with open_object_storage(settings_from(system.env).spaces) as storage:
        await storage.put_bytes(f"outputs/runs/{run_id}/old.png", b"otter", "image/png")


async def left_of(system: System, run_id: str) -> list[str]:
    """Return what lies of a run beside the log and in the bucket."""
    async with connected(system.env["NATS_URL"], name="test") as client:
        wanted = {"subjects_filter": subjects.private_data(UUID(run_id))}
        info = await api(client, f"STREAM.INFO.{subjects.INPUTS}", wanted, within=5)
    async with open_object_storage(settings_from(system.env).spaces) as storage:
        with suppress(Exception):
            await storage.get_bytes(f"outputs/runs/{run_id}/old.png")
            return ["outputs/runs/old.png"]
    return list(info["state"].get("subjects") or {})


async def type_what_the_page_types(system: System, folder: Path) -> None:
    """Back up; lose every stream; do what the page says."""
    [backup], restore = [
        re.findall(r"^comfyd .*$", block, re.MULTILINE)
        for block in BLOCK.findall(PAGE.read_text("utf-8"))
        if "comfyd backup" in block or "comfyd restore" in block
    ]
    assert [line.split()[1] for line in restore] == ["restore", "migrate", "projections"]
    await type_in(system, backup, folder)
    for name in ("api", "projector"):
        system.kill(name)
    async with connected(system.env["NATS_URL"], name="test") as client:
        for stream in STREAMS:
            await api(client, f"STREAM.DELETE.{stream}", {}, within=5)
    for line in restore:
        await type_in(system, line, folder)
    for name in ("api", "projector"):
        system.start(name)


async def type_in(system: System, line: str, folder: Path) -> None:
    """Run a command of the page, with another folder."""
    words = [str(folder) if word.startswith("/backup") else word for word in shlex.split(line)]
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        *words[1:],
        env={**os.environ, **system.env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
