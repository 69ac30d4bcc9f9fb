"""States of machines: drain, resume, disable, remove; and observe one at once."""

from litestar import delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from app.api.requests import identifier
from app.api.v1.machines.views import MachineView, machine_view
from app.auth.caller import Caller
from app.auth.scopes import ADMIN, DEPLOY, needs
from app.commands.machines.states import MachineStates
from app.openapi import errors


@post(
    "/v1/machines/{machine_id:str}/drain",
    operation_id="drainMachine",
    status_code=200,
    opt=needs(ADMIN),
    responses=errors("not_found", "machine_removed"),
)
async def drain_machine(
    machine_states: NamedDependency[MachineStates],
    caller: NamedDependency[Caller],
    machine_id: FromPath[str],
) -> MachineView:
    """Drain a machine: it finishes what it has; other runs wait until it is resumed."""
    return machine_view(await machine_states.drain(caller, identifier(machine_id)))


@post(
    "/v1/machines/{machine_id:str}/resume",
    operation_id="resumeMachine",
    status_code=200,
    opt=needs(ADMIN),
    responses=errors("not_found", "machine_removed"),
)
async def resume_machine(
    machine_states: NamedDependency[MachineStates],
    caller: NamedDependency[Caller],
    machine_id: FromPath[str],
) -> MachineView:
    """Resume a machine: it gets runs again; those that waited for it go first."""
    return machine_view(await machine_states.resume(caller, identifier(machine_id)))


@post(
    "/v1/machines/{machine_id:str}/disable",
    operation_id="disableMachine",
    status_code=200,
    opt=needs(ADMIN),
    responses=errors("not_found", "machine_removed"),
)
async def disable_machine(
    machine_states: NamedDependency[MachineStates],
    caller: NamedDependency[Caller],
    machine_id: FromPath[str],
) -> MachineView:
    """Disable a machine: it is left alone; runs wait until it is resumed."""
    return machine_view(await machine_states.disable(caller, identifier(machine_id)))


@delete(
    "/v1/machines/{machine_id:str}",
    operation_id="deleteMachine",
    status_code=200,
    opt=needs(ADMIN),
    responses=errors("not_found", "machine_busy"),
)
async def remove_machine(
    machine_states: NamedDependency[MachineStates],
    caller: NamedDependency[Caller],
    machine_id: FromPath[str],
    force: FromQuery[bool] = False,  # noqa: FBT002 -- a parameter of the URL
) -> MachineView:
    """Remove a machine for good; with *force* even if runs are open on it, which then fail."""
    return machine_view(await machine_states.remove(caller, identifier(machine_id), force=force))


@post(
    "/v1/machines/{machine_id:str}/refresh",
    operation_id="refreshMachine",
    status_code=202,
    opt=needs(ADMIN, DEPLOY),
    responses=errors("not_found", "machine_removed"),
)
async def refresh_machine(
    machine_states: NamedDependency[MachineStates],
    caller: NamedDependency[Caller],
    machine_id: FromPath[str],
) -> MachineView:
    """Ask a worker to look at once what a machine can do; the snapshot changes if it does."""
    return machine_view(await machine_states.refresh(caller, identifier(machine_id)))


ROUTES = [drain_machine, resume_machine, disable_machine, remove_machine, refresh_machine]
