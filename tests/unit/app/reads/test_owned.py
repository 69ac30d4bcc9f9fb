"""Tenancy: a caller finds their own things, and learns nothing of those of others."""

from collections.abc import Iterable
from uuid import UUID, uuid4

import pytest

from app.auth.caller import Caller
from app.reads.owned import load_owned
from events.aggregates import RUN
from events.errors import NotFound
from events.run.commands import CreateRun
from events.run.state import Run
from infra.event_store import LogUnavailable, Session
from tests.builders.facts import OTHER_ID, RUN_ID, created, meta
from tests.fakes.event_store import MemoryEventStore

ADA = Caller(user_id="ada", org_id=None)
KEY_OF_ADA = Caller(user_id="ada", org_id=None, deployments=frozenset({OTHER_ID}))


@pytest.fixture
async def store() -> MemoryEventStore:
    store = MemoryEventStore()
    session = Session(store, RUN, RUN_ID, tenant=ADA.tenant)
    await session.execute(CreateRun(created=created(deployment_id=OTHER_ID), images=()), meta())
    return store


def deployments_of(run: Run) -> Iterable[UUID]:
    return (run.deployment_id,)


@pytest.mark.parametrize("caller", [ADA, KEY_OF_ADA], ids=["person", "restricted key"])
async def test_what_is_the_callers_is_loaded(store: MemoryEventStore, caller: Caller) -> None:
    session = await load_owned(store, caller, RUN, RUN_ID, deployments_of=deployments_of)
    assert session.existing == RUN.fold([created(deployment_id=OTHER_ID)])
    assert (session.name, session.position, session.tenant) == (RUN.name(RUN_ID), 1, "user:ada")


@pytest.mark.parametrize(
    ("caller", "run_id"),
    [
        (ADA, uuid4()),
        (Caller(user_id="eve", org_id=None), RUN_ID),
        (Caller(user_id="ada", org_id="acme"), RUN_ID),
        (Caller(user_id="ada", org_id=None, deployments=frozenset({uuid4()})), RUN_ID),
    ],
    ids=["unknown id", "another person", "the same person for an organisation", "another key"],
)
async def test_all_else_is_not_found_in_the_same_words(
    store: MemoryEventStore, caller: Caller, run_id: UUID
) -> None:
    with pytest.raises(NotFound, match=r"^there is no run with this id$"):
        await load_owned(store, caller, RUN, run_id, deployments_of=deployments_of)


async def test_a_key_for_some_deployments_finds_what_belongs_to_none(
    store: MemoryEventStore,
) -> None:
    key = Caller(user_id="ada", org_id=None, deployments=frozenset({uuid4()}))
    assert (await load_owned(store, key, RUN, RUN_ID)).existing.id == RUN_ID


@pytest.mark.parametrize(
    ("run_id", "position"), [(RUN_ID, 1), (OTHER_ID, 0)], ids=["found", "unknown"]
)
async def test_a_log_that_is_too_old_is_refused_before_it_is_believed(
    store: MemoryEventStore, run_id: UUID, position: int
) -> None:
    asked: list[int] = []

    def check(found: int) -> None:
        asked.append(found)
        raise LogUnavailable("older than what was answered")

    with pytest.raises(LogUnavailable):
        await load_owned(store, ADA, RUN, run_id, check=check)
    assert asked == [position]
