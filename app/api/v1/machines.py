"""/v1/machines: where a ComfyUI answers, and what is known of it."""

from typing import Annotated

from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET, Struct

from app.api.v1.machine_history import history
from app.api.v1.machine_requests import ChangeMachineRequest, RegisterMachineRequest
from app.api.v1.machine_secrets import sealed_secrets
from app.api.v1.machine_states import order
from app.api.v1.machine_url import checked_url
from app.api.v1.machine_views import (
    MachineChangeView,
    MachineDetailView,
    MachineView,
    machine_detail_view,
    machine_view,
)
from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, NameFilter, before_of, list_view
from app.api.v1.requests import identifier
from app.auth.caller import Caller
from app.auth.scopes import ADMIN, DEPLOY, RUNS_READ, needs
from app.find_machine import (
    PRESENT,
    machine_session,
    session_for_name,
    sessions_called,
)
from app.house import House
from app.openapi import errors, response
from events.errors import NameTaken
from events.machine import Machine, MachineState
from events.machine_decider import (
    ChangeMachine,
    RegisterMachine,
)
from events.machine_events import MachineRegistered
from events.subjects import identifier_of
from projections.queries import list_machines


class MachineHistoryView(Struct, frozen=True, kw_only=True):
    """What has happened to a machine, the latest first."""

    data: list[MachineChangeView]


@post(
    "/v1/machines",
    operation_id="registerMachine",
    status_code=201,
    opt=needs(ADMIN),
    responses=response(200, MachineView, "the name was known; it may have moved")
    | errors("invalid_request", "machine_removed", "machine_token_needed"),
)
async def register_machine(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    data: JSONBody[RegisterMachineRequest],
) -> Response[MachineView]:
    """Make a ComfyUI known under a name; the same name again moves it to the new URL."""
    url = checked_url(data.url, house.settings)
    session = await session_for_name(house, caller, data.name)
    sealed = sealed_secrets(data, session.state, house.sealer)
    header_name, sealed_header = sealed.header or ("", "")
    registered = MachineRegistered(
        machine_id=identifier_of(session.name),
        name=data.name,
        url=url,
        driver="comfyui",
        user_id=caller.user_id,
        org_id=caller.org_id,
        at=house.now(),
        sealed_token=sealed.token or "",
        header_name=header_name,
        sealed_header=sealed_header,
        sealed_comfy_key=sealed.comfy_key or "",
    )
    added = await session.execute(RegisterMachine(registered=registered), house.meta(caller))
    new = added and session.version == len(added)
    return Response(content=machine_view(session.existing), status_code=201 if new else 200)


@get(
    "/v1/machines",
    operation_id="listMachines",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("invalid_request"),
)
async def machines(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    name: NameFilter = None,
    machine_state: Annotated[MachineState | None, QueryParameter(name="state")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[MachineView]:
    """List machines, newest first; removed ones only when asked for by their state."""
    async with house.pool.connection() as connection:
        page = await list_machines(
            connection,
            tenant=caller.tenant,
            limit=limit,
            before=before_of(cursor),
            states=PRESENT if machine_state is None else {machine_state},
            name=name,
        )
    return list_view(page, lambda row: machine_view(row.state))


@get(
    "/v1/machines/{machine_id:str}",
    operation_id="getMachine",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found"),
)
async def read_machine(
    house: NamedDependency[House], caller: NamedDependency[Caller], machine_id: FromPath[str]
) -> MachineDetailView:
    """Read a machine, with what it can do as far as anyone has seen; removed ones as well."""
    session = await machine_session(house, caller, identifier(machine_id))
    return machine_detail_view(session.existing)


@get(
    "/v1/machines/{machine_id:str}/history",
    operation_id="getMachineHistory",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found"),
)
async def read_history(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    machine_id: FromPath[str],
) -> MachineHistoryView:
    """Tell what has happened to a machine: who changed what, and what was found on it."""
    session = await machine_session(house, caller, identifier(machine_id))
    return MachineHistoryView(data=history(await house.store.read(session.name), language))


@patch(
    "/v1/machines/{machine_id:str}",
    operation_id="updateMachine",
    opt=needs(ADMIN),
    responses=errors(
        "not_found", "invalid_request", "name_taken", "machine_removed", "machine_token_needed"
    ),
)
async def change_machine(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    machine_id: FromPath[str],
    data: JSONBody[ChangeMachineRequest],
) -> MachineView:
    """Give a machine another name, address or secret; what is left out stays as it is."""
    session = await machine_session(house, caller, identifier(machine_id))
    name = None if data.name is UNSET else data.name
    if name is not None:
        await _check_name(house, caller, session.existing, name)
    sealed = sealed_secrets(data, session.state, house.sealer)
    command = ChangeMachine(
        name=name,
        url=None if data.url is UNSET else checked_url(data.url, house.settings),
        sealed_token=sealed.token,
        header=sealed.header,
        sealed_comfy_key=sealed.comfy_key,
        now=house.now(),
    )
    return await order(house, caller, session, command)


async def _check_name(house: House, caller: Caller, machine: Machine, name: str) -> None:
    """Refuse a name that another machine is known to have. Names are labels: a race may win.

    Raises:
        NameTaken: another machine has it.

    """
    others = await sessions_called(house, caller, name)
    if any(other.existing.id != machine.id for other in others):
        raise NameTaken


ROUTES = [
    register_machine,
    machines,
    read_machine,
    read_history,
    change_machine,
]
