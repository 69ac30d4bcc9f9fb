"""Whether a machine gets runs: drained, disabled, resumed, removed; and a look at it when asked."""

from litestar import delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from app.api.v1.machine_views import MachineView, machine_view
from app.api.v1.requests import identifier
from app.auth.caller import Caller
from app.auth.scopes import ADMIN, DEPLOY, needs
from app.caught_up import catch_up
from app.find_machine import MachineSession, machine_session
from app.house import House
from app.openapi import errors
from events.errors import MachineGone
from events.machine_decider import (
    DisableMachine,
    DrainMachine,
    MachineCommand,
    RemoveMachine,
    ResumeMachine,
)
from events.subjects import OBSERVE_WORK
from infra.batch_runs import carry_out
from projections.queries import open_runs_of_machine, promised_batches

LOOK_EVERY = 5
"""Seconds within which two demands to look at a machine count as one."""


@post(
    "/v1/machines/{machine_id:str}/drain",
    operation_id="drainMachine",
    status_code=200,
    opt=needs(ADMIN),
    responses=errors("not_found", "machine_removed"),
)
async def drain_machine(
    house: NamedDependency[House], caller: NamedDependency[Caller], machine_id: FromPath[str]
) -> MachineView:
    """Let a machine finish what it has; other runs wait until it is resumed."""
    session = await machine_session(house, caller, identifier(machine_id))
    return await order(house, caller, session, DrainMachine(now=house.now()))


@post(
    "/v1/machines/{machine_id:str}/resume",
    operation_id="resumeMachine",
    status_code=200,
    opt=needs(ADMIN),
    responses=errors("not_found", "machine_removed"),
)
async def resume_machine(
    house: NamedDependency[House], caller: NamedDependency[Caller], machine_id: FromPath[str]
) -> MachineView:
    """Give a machine runs again; those that waited for it go first."""
    session = await machine_session(house, caller, identifier(machine_id))
    return await order(house, caller, session, ResumeMachine(now=house.now()))


@post(
    "/v1/machines/{machine_id:str}/disable",
    operation_id="disableMachine",
    status_code=200,
    opt=needs(ADMIN),
    responses=errors("not_found", "machine_removed"),
)
async def disable_machine(
    house: NamedDependency[House], caller: NamedDependency[Caller], machine_id: FromPath[str]
) -> MachineView:
    """Give a machine nothing new and leave it alone; runs wait until it is resumed."""
    session = await machine_session(house, caller, identifier(machine_id))
    return await order(house, caller, session, DisableMachine(now=house.now()))


@delete(
    "/v1/machines/{machine_id:str}",
    operation_id="deleteMachine",
    status_code=200,
    opt=needs(ADMIN),
    responses=errors("not_found", "machine_busy"),
)
async def remove_machine(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    machine_id: FromPath[str],
    force: FromQuery[bool] = False,  # noqa: FBT002 -- a parameter of the URL
) -> MachineView:
    """Take a machine away for good; with *force* even if runs are open on it, which then fail."""
    session = await machine_session(house, caller, identifier(machine_id))
    async with house.pool.connection() as connection:
        if not force:
            await catch_up(house, connection)
            if promised := await promised_batches(connection, caller.tenant):
                # Accepted already, so their runs count; whoever promised them may have died since.
                for batch_id in promised:
                    await carry_out(house.store, batch_id, house.now)
                await catch_up(house, connection)
        open_runs = await open_runs_of_machine(connection, session.existing.id)
    command = RemoveMachine(open_runs=open_runs, force=force, now=house.now())
    return await order(house, caller, session, command)


@post(
    "/v1/machines/{machine_id:str}/refresh",
    operation_id="refreshMachine",
    status_code=202,
    opt=needs(ADMIN, DEPLOY),
    responses=errors("not_found", "machine_removed"),
)
async def refresh_machine(
    house: NamedDependency[House], caller: NamedDependency[Caller], machine_id: FromPath[str]
) -> MachineView:
    """Ask a worker to look at once what a machine can do; the snapshot changes if it does."""
    machine = (await machine_session(house, caller, identifier(machine_id))).existing
    if machine.removed:
        raise MachineGone
    slot = int(house.now().timestamp()) // LOOK_EVERY
    await house.work.put(OBSERVE_WORK, machine.id, message_id=f"refresh:{machine.id}:{slot}")
    return machine_view(machine)


async def order(
    house: House, caller: Caller, session: MachineSession, command: MachineCommand
) -> MachineView:
    """Send a command to a machine that was found; show it as it is then."""
    await session.execute(command, house.meta(caller))
    return machine_view(session.existing)


ROUTES = [drain_machine, resume_machine, disable_machine, remove_machine, refresh_machine]
