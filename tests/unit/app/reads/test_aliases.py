"""An id is found by what it means in the caller's tenant; one of ours costs no read."""

from typing import cast
from uuid import UUID, uuid4

import pytest

from app.auth.caller import Caller
from app.reads.aliases import AliasReads
from events import ids
from events.aggregates import ALIAS
from events.alias import AliasKind, AssignAlias
from events.errors import NotFound
from infra.event_store import EventStore, load
from tests.builders.facts import NOW, meta
from tests.fakes.event_store import MemoryEventStore

ADA, BOB = (Caller(user_id=name, org_id=None) for name in ("ada", "bob"))
OURS, ANOTHER = ids.deployment_id(UUID(int=1), "production"), ids.deployment_id(UUID(int=2), "x")
FOREIGN = "3FA85F64-5717-4562-b3fc-2c963f66afa6"


async def assigned(store: MemoryEventStore, foreign_id: str, *targets: UUID) -> AliasReads:
    """Have an id stand for things of Ada's, one after the other."""
    alias_id = ids.alias_id(ADA.tenant, AliasKind.DEPLOYMENT, foreign_id)
    session = await load(store, ALIAS, alias_id)
    for target in targets:
        command = AssignAlias(
            kind=AliasKind.DEPLOYMENT,
            foreign_id=foreign_id,
            target_id=target,
            by="user:ada",
            now=NOW,
        )
        await session.execute(command, meta(tenant=ADA.tenant))
    return AliasReads(store)


async def test_a_foreign_id_means_the_last_thing_that_it_was_assigned_to() -> None:
    reads = await assigned(MemoryEventStore(), FOREIGN.lower(), ANOTHER, OURS)
    for text in (FOREIGN, FOREIGN.lower(), UUID(FOREIGN).hex):
        assert await reads.resolve(ADA, AliasKind.DEPLOYMENT, text) == OURS


async def test_it_means_nothing_to_another_tenant_nor_as_another_kind() -> None:
    reads = await assigned(MemoryEventStore(), FOREIGN.lower(), OURS)
    assert await reads.resolve(BOB, AliasKind.DEPLOYMENT, FOREIGN) == UUID(FOREIGN)
    assert await reads.resolve(ADA, AliasKind.MACHINE, FOREIGN) == UUID(FOREIGN)


async def test_an_id_that_is_no_uuid_may_stand_for_something() -> None:
    reads = await assigned(MemoryEventStore(), "dep_7", OURS)
    assert await reads.resolve(ADA, AliasKind.DEPLOYMENT, "dep_7") == OURS
    with pytest.raises(NotFound):
        await reads.resolve(ADA, AliasKind.DEPLOYMENT, "dep_8")


@pytest.mark.parametrize("kind", AliasKind)
async def test_what_is_no_id_at_all_is_not_found(kind: AliasKind) -> None:
    with pytest.raises(NotFound, match=f"no {kind} with this id"):
        await AliasReads(MemoryEventStore()).resolve(ADA, kind, "nonsense")


async def test_an_id_of_ours_is_itself_without_a_look_at_the_log() -> None:
    reads = AliasReads(cast("EventStore", None))
    assert await reads.resolve(ADA, AliasKind.DEPLOYMENT, str(OURS)) == OURS


async def test_an_id_that_stands_for_nothing_is_looked_for_as_it_is() -> None:
    strange = uuid4()
    reads = AliasReads(MemoryEventStore())
    assert await reads.resolve(ADA, AliasKind.WORKFLOW, str(strange)) == strange
