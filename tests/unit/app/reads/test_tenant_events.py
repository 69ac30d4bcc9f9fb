"""What a caller may see of a tenant's events, and what they ask for of it."""

from uuid import UUID, uuid4

import pytest

from app.auth.caller import Caller
from app.auth.scopes import ADMIN, DEPLOY, OF_RUNS, RUNS_READ, RUNS_WRITE
from app.reads.tenant_events import DeploymentsOf, deployments_in, selection
from events.aggregates import BATCH, DECIDERS, DEPLOYMENT, MACHINE, RUN
from events.batch import BatchCreated, BatchItem
from events.run.commands import CreateRun
from events.run.events import RunTarget
from infra.event_store import Session
from tests.builders.facts import MACHINE_ID, NOW, OTHER_ID, RUN_ID, created, meta
from tests.fakes.event_store import MemoryEventStore

MINE, BESIDE = OTHER_ID, UUID("00000000-0000-4000-8000-00000000000d")


def caller(*scopes: str, deployments: frozenset[UUID] = frozenset()) -> Caller:
    return Caller(user_id="ada", org_id=None, scopes=frozenset(scopes), deployments=deployments)


@pytest.mark.parametrize(
    ("scopes", "kinds"),
    [
        ({RUNS_READ}, {"run", "batch", "workflow", "deployment", "machine"}),
        ({DEPLOY}, {"workflow", "deployment", "machine"}),
        ({RUNS_WRITE}, set()),
        ({ADMIN}, set(DECIDERS)),
    ],
)
def test_a_scope_shows_the_kinds_that_it_reads_elsewhere(scopes: set[str], kinds: set[str]) -> None:
    assert selection(caller(*scopes)).kinds == kinds


def test_filters_are_put_together() -> None:
    wanted = selection(caller(RUNS_READ), types=["run.created", "machine"])
    of_run = selection(caller(RUNS_READ), runs=[RUN_ID])

    assert wanted.takes("run", "run.created", RUN.name(RUN_ID))
    assert not wanted.takes("run", "run.claimed", RUN.name(RUN_ID))
    assert wanted.takes("machine", "machine.drained", MACHINE.name(MACHINE_ID))
    assert of_run.takes("run", "run.claimed", RUN.name(RUN_ID))
    assert not of_run.takes("run", "run.claimed", RUN.name(OTHER_ID))
    assert not of_run.takes("machine", "machine.drained", MACHINE.name(MACHINE_ID))


def test_a_filter_shows_nothing_that_the_scopes_do_not() -> None:
    wanted = selection(caller(*OF_RUNS), types=["key", "key.issued"])
    assert not wanted.takes("key", "key.issued", f"key-{RUN_ID}")


@pytest.mark.parametrize(
    ("allowed", "wanted", "concerned", "fits"),
    [
        (set(), set(), set(), True),
        (set(), {MINE}, {MINE, BESIDE}, True),
        (set(), {MINE}, {BESIDE}, False),
        (set(), {MINE}, set(), False),
        ({MINE}, set(), {MINE}, True),
        ({MINE}, set(), {MINE, BESIDE}, False),
        ({MINE}, set(), set(), False),
        ({MINE}, {BESIDE}, {BESIDE}, False),
        ({MINE, BESIDE}, {BESIDE}, {MINE, BESIDE}, True),
        ({MINE, BESIDE}, {BESIDE}, {MINE}, False),
    ],
)
def test_a_restricted_caller_sees_what_concerns_their_deployments_alone(
    allowed: set[UUID],
    wanted: set[UUID],
    concerned: set[UUID],
    fits: bool,  # noqa: FBT001
) -> None:
    made = selection(caller(RUNS_READ, deployments=frozenset(allowed)), deployments=wanted)
    assert made.by_deployment is bool(allowed or wanted)
    assert made.fits(frozenset(concerned)) is fits


async def test_the_deployment_of_a_run_is_read_once_unless_an_event_has_named_it() -> None:
    store = MemoryEventStore()
    run_id, told = uuid4(), uuid4()
    for each in (run_id, told):
        session = Session(store, RUN, each)
        await session.execute(CreateRun(created=created(run_id=each)), meta())
    found = DeploymentsOf(store)

    assert await found.find(RUN.name(run_id), None) == {OTHER_ID}
    assert await found.find(RUN.name(told), frozenset({MINE})) == {MINE}
    store.log.clear()
    assert await found.find(RUN.name(run_id), None) == {OTHER_ID}
    assert await found.find(RUN.name(told), None) == {MINE}
    assert await found.find(DEPLOYMENT.name(BESIDE), None) == {BESIDE}
    assert await found.find(MACHINE.name(MACHINE_ID), None) == frozenset()


def test_a_batch_concerns_the_deployments_of_all_its_runs() -> None:
    targets = tuple(
        RunTarget(
            workflow_id=OTHER_ID,
            version_id=OTHER_ID,
            version=1,
            deployment_id=deployment_id,
            environment="production",
            machine_id=MACHINE_ID,
            graph_key="graph",
            ui_graph_key=None,
        )
        for deployment_id in (MINE, BESIDE)
    )
    item = BatchItem(run_id=RUN_ID, request_hash="hash", has_inputs=False)
    batch = BatchCreated(
        batch_id=OTHER_ID,
        user_id="ada",
        org_id=None,
        targets=targets,
        items=(item,),
        request_hash="hash",
        origin="api",
        at=NOW,
    )
    assert deployments_in(batch) == frozenset({MINE, BESIDE})
    assert BATCH.kind == "batch"
