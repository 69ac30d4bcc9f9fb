"""/v1/machines: where a ComfyUI answers."""

import re
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody
from msgspec import Struct

from app.auth import Caller
from app.house import House
from app.native.paging import DEFAULT_LIMIT, Limit, ListView, before_of, list_view
from app.native.requests import RegisterMachineRequest, bad
from events import identity
from events.decider import MACHINE
from events.machine import Machine, MachineRegistered, RegisterMachine
from infra.event_store import load
from projections.queries import list_machines

LONGEST_HOST = 253
"""Characters of a host name (RFC 1035 §2.3.4)."""


class MachineView(Struct, frozen=True, kw_only=True):
    """A machine."""

    id: UUID
    name: str
    url: str
    driver: str
    created_at: datetime


@post("/v1/machines", status_code=201)
async def register_machine(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    data: JSONBody[RegisterMachineRequest],
) -> Response[MachineView]:
    """Make a ComfyUI known under a name; the same name again moves it to the new URL."""
    if not _is_address(data.url):
        raise bad("bad_machine_url", "/url")
    machine_id = identity.machine_id(caller.tenant, data.name)
    session = await load(house.store, MACHINE, machine_id)
    known = session.state is not None
    registered = MachineRegistered(
        machine_id=machine_id,
        name=data.name,
        url=data.url.rstrip("/"),
        driver="comfyui",
        user_id=caller.user_id,
        org_id=caller.org_id,
        at=house.now(),
    )
    await session.execute(RegisterMachine(registered=registered), house.meta(caller))
    assert session.state is not None  # it was just registered
    return Response(content=machine_view(session.state), status_code=200 if known else 201)


@get("/v1/machines")
async def machines(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView:
    """List machines, newest first."""
    async with house.pool.connection() as connection:
        page = await list_machines(
            connection, tenant=caller.tenant, limit=limit, before=before_of(cursor)
        )
    return list_view(page, lambda row: machine_view(row.state))


def _is_address(url: str) -> bool:
    try:
        address = urlsplit(url)
        _ = address.port  # raises for what is no port
    except ValueError:
        return False
    host = address.hostname or ""
    named = bool(host) and len(host) <= LONGEST_HOST and not re.search(r"[^\w.:-]", host)
    plain = url.isprintable() and " " not in url and address.username is None
    return address.scheme in {"http", "https"} and named and plain


def machine_view(machine: Machine) -> MachineView:
    """Show a machine."""
    current = machine.current
    return MachineView(
        id=machine.id,
        name=current.name,
        url=current.url,
        driver=current.driver,
        created_at=machine.created_at,
    )


ROUTES = [register_machine, machines]
