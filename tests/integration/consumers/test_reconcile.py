"""Whatever is open in the log gets its work again, wherever the reactor stands, and once."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from consumers.maintenance.reconcile import GRACE, Reconciler
from events import subjects
from events.aggregates import BATCH, MACHINE, RUN
from events.batch import Batch, BatchCreated, BatchItem, CancelBatch, CreateBatch, RecordStart
from events.envelope import Meta
from events.ids import batch_run_id
from events.machine.decide import MachineCommand, RegisterMachine, RemoveMachine
from events.machine.events import MachineRegistered
from events.run.commands import (
    ClaimRun,
    CreateRun,
    EraseInputs,
    EraseRun,
    FailRun,
    LoseAttempt,
    RecordDataDeleted,
    RecordInputsDeleted,
    RecordOutputs,
    RequestCancel,
    RunCommand,
)
from events.run.events import RunError
from events.run.output import Output
from events.work import thumbnail_piece
from infra.event_store import Session, load
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.work.queue import WorkQueue
from infra.jetstream.work.reactor_durable import REACTOR
from tests.builders.facts import MACHINE_ID, NOW, created
from tests.golden.examples import EXAMPLES

CLAIM = ClaimRun(machine_id=MACHINE_ID, worker="worker:test", now=NOW)
LOST = LoseAttempt(attempt=1, reason="gone", now=NOW)
FILE = Output(index=0, node_id="9", kind="images", filename="a.png", name="a.png")
RENDERED = RecordOutputs(attempt=1, outputs=(FILE,), now=NOW)
CANCEL = RequestCancel(by="user:ada", now=NOW)
FAILED = FailRun(error=RunError(code="internal", message=""), now=NOW)
ERASE = EraseRun(reason="request", by="user:ada", now=NOW)
DELETED = RecordDataDeleted(now=NOW)
ERASE_INPUTS = EraseInputs(due=NOW, by="user:ada", now=NOW)

STAGES: dict[str, tuple[tuple[RunCommand, ...], str]] = {
    "accepted": ((), f"work.run.{MACHINE_ID}.{{run}}.1"),
    "claimed": ((CLAIM,), f"work.run.{MACHINE_ID}.{{run}}.1"),
    "to be retried": ((CLAIM, LOST), f"work.run.{MACHINE_ID}.{{run}}.2"),
    "claimed again": ((CLAIM, LOST, CLAIM), f"work.run.{MACHINE_ID}.{{run}}.2"),
    "to be stopped": ((CLAIM, CANCEL), f"work.run.{MACHINE_ID}.{{run}}.1"),
    "rendered": ((CLAIM, RENDERED), "work.upload.{run}.1"),
    "rendered at the second try": (
        (CLAIM, LOST, CLAIM, RecordOutputs(attempt=2, outputs=(FILE,), now=NOW)),
        "work.upload.{run}.2",
    ),
    "erased": ((CANCEL, ERASE), "work.erase.{run}.erased"),
    "without inputs": ((CANCEL, ERASE_INPUTS), "work.erase.{run}.inputs"),
    "without inputs, deleted": ((CANCEL, ERASE_INPUTS, RecordInputsDeleted(now=NOW)), ""),
    "cancelled": ((CANCEL,), ""),
    "failed": ((CLAIM, FAILED), ""),
    "erased and deleted": ((CANCEL, ERASE, DELETED), ""),
}


class World:
    """A log, a queue, and a worker that looks at both."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.store, self.queue = JetStreamEventStore(client), WorkQueue(client)
        self.reconciler = self.another()

    def another(self, *, after: timedelta = GRACE + timedelta(seconds=1)) -> Reconciler:
        """Return a reconciler whose clock says that nothing is young any more."""

        def now() -> datetime:
            return datetime.now(UTC) + after

        return Reconciler(self.client, store=self.store, queue=self.queue, now=now)

    async def run(self, *commands: RunCommand, run_id: UUID | None = None) -> UUID:
        run_id = run_id or uuid4()
        session = Session(self.store, RUN, run_id, tenant="user:ada")
        for command in (CreateRun(created=created(run_id=run_id, has_inputs=True)), *commands):
            await session.execute(command, new_meta())
        return run_id

    async def machine(self, *commands: MachineCommand) -> UUID:
        machine_id = uuid4()
        session = Session(self.store, MACHINE, machine_id, tenant="user:ada")
        fact = MachineRegistered(
            machine_id=machine_id,
            name=str(machine_id),
            url="http://127.0.0.1:1",
            driver="comfyui",
            user_id="ada",
            org_id=None,
            at=NOW,
        )
        register = RegisterMachine(registered=fact)
        for command in (register, *commands):
            await session.execute(command, new_meta())
        return machine_id

    async def batch(self, *commands: Any, runs: int = 2) -> UUID:
        batch_id = uuid4()
        items = tuple(
            BatchItem(run_id=batch_run_id(batch_id, n), request_hash="h", has_inputs=False)
            for n in range(runs)
        )
        example = EXAMPLES["batch.created.v1"]
        assert isinstance(example, BatchCreated)
        fact = BatchCreated(
            batch_id=batch_id,
            user_id="ada",
            org_id=None,
            targets=example.targets,
            items=items,
            request_hash="h",
            origin="api",
            at=NOW,
        )
        session: Session[Batch, Any, Any] = Session(self.store, BATCH, batch_id, tenant="user:ada")
        for command in (CreateBatch(created=fact), *commands):
            await session.execute(command, new_meta())
        return batch_id

    async def work(self) -> dict[str, int]:
        """Return the work there is, as subjects and counts."""
        info = await api(
            self.client, f"STREAM.INFO.{subjects.WORK}", {"subjects_filter": ">"}, within=5
        )
        return dict(info["state"].get("subjects") or {})


def new_meta() -> Meta:
    """Return the circumstances of a command of its own."""
    return Meta(tenant="user:ada", actor="user:ada", command_id=uuid4())


@pytest.fixture
async def world(log_client: Client) -> World:
    return World(log_client)


@pytest.mark.parametrize("stage", STAGES)
async def test_a_run_gets_what_it_waits_for_once(world: World, stage: str) -> None:
    commands, subject = STAGES[stage]
    run_id = await world.run(*commands)
    expected = {subject.format(run=run_id): 1} if subject else {}

    assert await world.reconciler.look() == len(expected)

    assert await world.work() == expected
    assert await world.reconciler.look() == 0
    assert await world.another().look() == 0
    assert await world.work() == expected


async def test_a_thumbnail_that_waits_does_not_hide_what_is_due(world: World) -> None:
    run_id = await world.run(CANCEL, ERASE)
    await world.queue.put_piece(thumbnail_piece(run_id))

    assert await world.reconciler.look() == 1

    assert f"work.erase.{run_id}.erased" in await world.work()


async def test_it_goes_on_where_it_was_and_sees_what_is_new_and_what_is_over(world: World) -> None:
    first, second = await world.run(), await world.run()
    assert await world.reconciler.look() == 2
    await world.client.jetstream().purge_stream(subjects.WORK)

    session = await load(world.store, RUN, first)
    await session.execute(CANCEL, new_meta())
    third = await world.run(CLAIM)
    assert await world.reconciler.look() == 2

    assert set(await world.work()) == {
        f"work.run.{MACHINE_ID}.{second}.1",
        f"work.run.{MACHINE_ID}.{third}.1",
    }


async def test_what_has_just_happened_is_the_reactors(world: World) -> None:
    await world.run()
    await world.machine()
    await world.batch()

    assert await world.another(after=timedelta()).look() == 0

    assert await world.work() == {}
    assert await world.queue.machines() == set()


async def test_many_workers_that_look_at_once_queue_everything_once(world: World) -> None:
    run_ids = [await world.run() for _ in range(30)]

    queued = await asyncio.gather(*(world.another().look() for _ in range(4)))

    assert sum(queued) == len(run_ids)
    assert set((await world.work()).values()) == {1}
    assert len(await world.work()) == len(run_ids)


async def test_work_that_an_earlier_version_queued_goes_first(world: World) -> None:
    """Whose it is cannot be seen: another piece might make two workers fight for the run."""
    run_id = await world.run()
    shared = subjects.render_work(MACHINE_ID)
    await world.queue.put(shared, uuid4(), message_id="old")
    assert await world.reconciler.look() == 0

    await world.client.jetstream().purge_stream(subjects.WORK)
    assert await world.reconciler.look() == 1
    assert set(await world.work()) == {f"work.run.{MACHINE_ID}.{run_id}.1"}


async def test_what_a_machine_has_comes_first_and_the_rest_in_order(world: World) -> None:
    """Else all its room may be taken by runs that wait behind one that nobody follows."""
    waiting = [await world.run() for _ in range(3)]
    claimed = [await world.run(CLAIM) for _ in range(3)]

    await world.reconciler.look()

    found: list[UUID] = []
    for position in range(1, 7):
        message = await world.client.jetstream().get_msg(subjects.WORK, position)
        found.append(UUID((message.subject or "").split(".")[3]))
    assert (set(found[:3]), set(found[3:])) == (set(claimed), set(waiting))


START, STOP = RecordStart(now=NOW), CancelBatch(by="user:ada", now=NOW)


@pytest.mark.parametrize(
    ("commands", "runs", "cause"),
    [
        ((), (), "created"),
        ((START,), ((), ()), ""),
        ((STOP,), (), "cancelled"),
        ((START, STOP), ((), ()), "cancelled"),
        ((STOP, START), ((CLAIM,), (CANCEL,)), "cancelled"),
        ((START, STOP), ((CLAIM, CANCEL), (CANCEL,)), ""),
        ((START, STOP), ((CLAIM, FAILED), (CANCEL,)), ""),
    ],
)
async def test_a_batch_gets_work_while_something_is_due_for_it(
    world: World, commands: Iterable[Any], runs: Iterable[Iterable[RunCommand]], cause: str
) -> None:
    batch_id = await world.batch(*commands)
    for index, of_run in enumerate(runs):
        await world.run(*of_run, run_id=batch_run_id(batch_id, index))

    for _ in range(2):
        await world.reconciler.look()
        found = {subject for subject in await world.work() if ".batch." in subject}
        assert found == ({f"work.batch.{batch_id}.{cause}"} if cause else set())


async def test_every_machine_has_its_consumer_and_is_looked_at(world: World) -> None:
    gone = RemoveMachine(open_runs=0, force=False, now=NOW)
    machine_id, removed = await world.machine(), await world.machine(gone)

    await world.reconciler.look()

    assert await world.queue.machines() == {machine_id}
    assert await world.work() == {subjects.OBSERVE_WORK: 1}
    # Its run was accepted while it was removed: somebody must fail it.
    await world.queue.put(subjects.render_work(removed), uuid4(), message_id="late")
    await world.reconciler.look()
    assert await world.queue.machines() == {machine_id, removed}


async def test_a_lost_durable_is_made_anew_where_the_workers_listen(world: World) -> None:
    async def deliver_subject() -> str:
        info = await api(world.client, f"CONSUMER.INFO.{subjects.LOG}.{REACTOR}", {}, within=5)
        return str(info["config"]["deliver_subject"])

    old = {"durable_name": REACTOR, "deliver_subject": "_INBOX.of.an.old.worker"}
    config = old | {"deliver_group": REACTOR, "ack_policy": "explicit"}
    request = {"stream_name": subjects.LOG, "config": config}
    await api(world.client, f"CONSUMER.CREATE.{subjects.LOG}.{REACTOR}", request, within=5)
    await world.reconciler.look()
    await api(world.client, f"CONSUMER.DELETE.{subjects.LOG}.{REACTOR}", {}, within=5)

    await world.reconciler.look()

    assert await deliver_subject() == "_INBOX.of.an.old.worker"


async def test_an_event_of_a_newer_version_keeps_nothing_else_from_its_work(world: World) -> None:
    unknown, known = uuid4(), await world.run()
    name = RUN.name(unknown)
    headers = {"ce-type": "run.dreamt_of.v9", "ce-subject": name, "x-version": "1"}
    reply = await world.client.request(subjects.subject(name), b"{}", headers=headers)
    assert b"seq" in reply.data

    for pieces in (1, 0):
        assert await world.reconciler.look() == pieces
    assert set(await world.work()) == {f"work.run.{MACHINE_ID}.{known}.1"}


async def test_a_log_that_was_replaced_while_it_ran_is_read_from_its_beginning(
    world: World,
) -> None:
    for _ in range(3):
        await world.run()
    await world.reconciler.look()
    for stream in (subjects.LOG, subjects.WORK):
        info = await api(world.client, f"STREAM.INFO.{stream}", {}, within=5)
        await api(world.client, f"STREAM.DELETE.{stream}", {}, within=5)
        await api(world.client, f"STREAM.CREATE.{stream}", info["config"], within=5)
    run_id = await world.run()

    assert await world.reconciler.look() == 1

    assert set(await world.work()) == {f"work.run.{MACHINE_ID}.{run_id}.1"}
