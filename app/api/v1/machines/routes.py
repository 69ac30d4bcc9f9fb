"""/v1/machines: where a ComfyUI answers, and what is known of it."""

from typing import Annotated

from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET, Struct, UnsetType

from app.api.requests import identifier
from app.api.v1.machines.history import history
from app.api.v1.machines.requests import (
    ChangeMachineRequest,
    MachineHeader,
    RegisterMachineRequest,
)
from app.api.v1.machines.views import (
    MachineChangeView,
    MachineDetailView,
    MachineView,
    machine_detail_view,
    machine_view,
)
from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, NameFilter, before_of, list_view
from app.auth.caller import Caller
from app.auth.scopes import ADMIN, DEPLOY, RUNS_READ, needs
from app.commands.machines.registry import MachineRegistry
from app.commands.machines.sealed_secrets import SecretChanges
from app.openapi import errors, response
from app.reads.machines import PRESENT, MachineReads
from events.machine.state import MachineState


class MachineHistoryView(Struct, frozen=True, kw_only=True):
    """What has happened to a machine, the latest first."""

    data: list[MachineChangeView]


@post(
    "/v1/machines",
    operation_id="registerMachine",
    status_code=201,
    opt=needs(ADMIN),
    responses=response(200, MachineView, "the name was known; it may have moved")
    | errors("invalid_request", "machine_removed", "machine_token_needed", "plugin_unusable"),
)
async def register_machine(
    machine_registry: NamedDependency[MachineRegistry],
    caller: NamedDependency[Caller],
    data: JSONBody[RegisterMachineRequest],
) -> Response[MachineView]:
    """Register a ComfyUI under a name; the same name again moves it to the new URL."""
    # Here null means that nothing is said of a secret.
    secrets = SecretChanges(
        token=data.token or UNSET,
        header=_pair(data.header or UNSET),
        comfy_api_key=data.comfy_api_key or UNSET,
    )
    found = await machine_registry.register(
        caller,
        name=data.name,
        url=data.url,
        secrets=secrets,
        driver=None if data.driver is UNSET else data.driver,
    )
    return Response(machine_view(found.machine), status_code=201 if found.is_new else 200)


@get(
    "/v1/machines",
    operation_id="listMachines",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("invalid_request"),
)
async def machines(
    machine_reads: NamedDependency[MachineReads],
    caller: NamedDependency[Caller],
    name: NameFilter = None,
    machine_state: Annotated[MachineState | None, QueryParameter(name="state")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[MachineView]:
    """List machines, newest first; removed ones only when asked for by their state."""
    page = await machine_reads.page(
        caller,
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
    machine_reads: NamedDependency[MachineReads],
    caller: NamedDependency[Caller],
    machine_id: FromPath[str],
) -> MachineDetailView:
    """Read a machine, with what it can do as it was last observed; removed ones as well."""
    return machine_detail_view(await machine_reads.find(caller, identifier(machine_id)))


@get(
    "/v1/machines/{machine_id:str}/history",
    operation_id="getMachineHistory",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found"),
)
async def read_history(
    machine_reads: NamedDependency[MachineReads],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
    machine_id: FromPath[str],
) -> MachineHistoryView:
    """List what has happened to a machine: who changed what, and what was found on it."""
    events = await machine_reads.history(caller, identifier(machine_id))
    return MachineHistoryView(data=history(events, language))


@patch(
    "/v1/machines/{machine_id:str}",
    operation_id="updateMachine",
    opt=needs(ADMIN),
    responses=errors(
        "not_found",
        "invalid_request",
        "name_taken",
        "machine_removed",
        "machine_token_needed",
        "plugin_unusable",
    ),
)
async def change_machine(
    machine_registry: NamedDependency[MachineRegistry],
    caller: NamedDependency[Caller],
    machine_id: FromPath[str],
    data: JSONBody[ChangeMachineRequest],
) -> MachineView:
    """Change the name, address, driver or secrets of a machine; what is left out stays as it is."""
    secrets = SecretChanges(
        token=data.token, header=_pair(data.header), comfy_api_key=data.comfy_api_key
    )
    changed = await machine_registry.change(
        caller,
        identifier(machine_id),
        name=None if data.name is UNSET else data.name,
        url=None if data.url is UNSET else data.url,
        secrets=secrets,
        driver=None if data.driver is UNSET else data.driver,
    )
    return machine_view(changed)


def _pair(header: MachineHeader | UnsetType | None) -> tuple[str, str] | UnsetType | None:
    return (header.name, header.value) if isinstance(header, MachineHeader) else header


ROUTES = [
    register_machine,
    machines,
    read_machine,
    read_history,
    change_machine,
]
