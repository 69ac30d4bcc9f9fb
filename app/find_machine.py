"""Finds a machine for its tenant: the one place that knows which machines a caller may know of."""

from uuid import UUID

from app.auth.caller import Caller
from app.house import House
from events import identity
from events.decider import MACHINE
from events.errors import NotFound
from events.machine import Machine, MachineState
from events.machine_decider import MachineCommand
from events.machine_events import MachineEvent
from infra.event_store import Session, load
from projections.queries import list_machines

MachineSession = Session[Machine, MachineCommand, MachineEvent]

PRESENT = frozenset(MachineState) - {MachineState.REMOVED}
"""States of machines that are still there."""


async def machine_session(house: House, caller: Caller, machine_id: UUID) -> MachineSession:
    """Load a machine of the caller's from the log; its state is there.

    Raises:
        NotFound: the caller has no such machine.
        LogUnavailable: the log does not answer.

    """
    session = await load(house.store, MACHINE, machine_id)
    if session.state is None or session.tenant != caller.tenant:
        raise NotFound("there is no machine with this id")
    return session


async def present_machine(house: House, caller: Caller, machine_id: UUID) -> Machine:
    """Give a machine of the caller's that was not removed.

    Raises:
        NotFound: the caller has no such machine any more.
        LogUnavailable: the log does not answer.

    """
    machine = (await machine_session(house, caller, machine_id)).existing
    if machine.removed:
        raise NotFound("there is no machine with this id")
    return machine


async def session_for_name(house: House, caller: Caller, name: str) -> MachineSession:
    """Give the machine of that name, or the session in which it can be made.

    The log alone knows the machines that were registered under the name and kept it; those that
    were renamed to it are found in the read model.
    """
    generation = 0
    while True:
        identifier = identity.machine_id(caller.tenant, name, generation)
        session = await load(house.store, MACHINE, identifier)
        if session.state is None:
            break
        if _is_called(session, name):
            return session
        generation += 1
    others = await sessions_called(house, caller, name)
    return others[0] if others else session


async def sessions_called(house: House, caller: Caller, name: str) -> list[MachineSession]:
    """Load the caller's machines that have that name now.

    The read model says where to look, and the log has the last word, also where it knows no such
    machine (it was restored, and the read model is not rebuilt yet). Who got the name a moment ago
    may be missing.
    """
    async with house.pool.connection() as connection:
        page = await list_machines(
            connection, tenant=caller.tenant, limit=100, states=PRESENT, name=name
        )
    found = [await load(house.store, MACHINE, row.id) for row in page.rows]
    return [s for s in found if s.tenant == caller.tenant and _is_called(s, name)]


def _is_called(session: MachineSession, name: str) -> bool:
    machine = session.state
    return machine is not None and machine.name == name and not machine.removed
