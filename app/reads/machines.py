"""Reads of machines: from the log one by one, from Postgres in lists and by name."""

from collections.abc import Collection, Sequence
from uuid import UUID

from app.auth.caller import Caller
from app.reads.owned import load_owned, not_found
from events import ids
from events.aggregates import MACHINE
from events.envelope import AnyRecorded
from events.machine.decide import MachineCommand
from events.machine.events import MachineEvent
from events.machine.state import Machine, MachineState
from infra.event_store import EventStore, Session, load
from infra.postgres import Pool
from projections.queries import Page, list_machines

MachineSession = Session[Machine, MachineCommand, MachineEvent]

PRESENT = frozenset(MachineState) - {MachineState.REMOVED}
"""States of machines that are still there."""

_MOST_OF_A_NAME = 100


class MachineReads:
    """Queries for machines."""

    def __init__(self, store: EventStore, pool: Pool) -> None:
        self._store = store
        self._pool = pool

    async def session(self, caller: Caller, machine_id: UUID) -> MachineSession:
        """Load a machine of the caller's from the log; its state is there.

        Raises:
            NotFound: the caller has no such machine.
            LogUnavailable: the log does not answer.

        """
        return await load_owned(self._store, caller, MACHINE, machine_id)

    async def find(self, caller: Caller, machine_id: UUID) -> Machine:
        """Return a machine of the caller's, also one that was removed; raises as `session`."""
        return (await self.session(caller, machine_id)).existing

    async def present(self, caller: Caller, machine_id: UUID) -> Machine:
        """Return a machine of the caller's that was not removed; raises as `session`."""
        machine = await self.find(caller, machine_id)
        if machine.removed:
            raise not_found(MACHINE.kind)
        return machine

    async def history(self, caller: Caller, machine_id: UUID) -> Sequence[AnyRecorded]:
        """Return all events of a machine of the caller's; raises as `session`."""
        session = await self.session(caller, machine_id)
        return await self._store.read(session.name)

    async def page(
        self,
        caller: Caller,
        *,
        limit: int,
        before: int | None = None,
        states: Collection[MachineState] = PRESENT,
        name: str | None = None,
    ) -> Page:
        """Return a part of the caller's machines, newest first."""
        async with self._pool.connection() as connection:
            return await list_machines(
                connection,
                tenant=caller.tenant,
                limit=limit,
                before=before,
                states=states,
                name=name,
            )

    async def session_for_name(self, caller: Caller, name: str) -> MachineSession:
        """Load the machine of that name, or open the session in which it can be made.

        The log alone knows the machines that were registered under the name and kept it; those
        that were renamed to it are found in the read model.
        """
        generation = 0
        while True:
            identifier = ids.machine_id(caller.tenant, name, generation)
            session = await load(self._store, MACHINE, identifier)
            if session.state is None:
                break
            if _is_called(session, name):
                return session
            generation += 1
        others = await self.sessions_called(caller, name)
        return others[0] if others else session

    async def sessions_called(self, caller: Caller, name: str) -> list[MachineSession]:
        """Load the caller's machines that have that name now.

        The read model says where to look, and the log has the last word, also where it knows no
        such machine (it was restored, and the read model is not rebuilt yet). A machine that got
        the name a moment ago may be missing.
        """
        page = await self.page(caller, limit=_MOST_OF_A_NAME, name=name)
        found = [await load(self._store, MACHINE, row.id) for row in page.rows]
        return [s for s in found if s.tenant == caller.tenant and _is_called(s, name)]


def _is_called(session: MachineSession, name: str) -> bool:
    machine = session.state
    return machine is not None and machine.name == name and not machine.removed
