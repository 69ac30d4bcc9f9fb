"""Graphs on their way in and out: checked, converted where they need it, stored by content."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.auth.caller import Caller
from app.find_machine import PRESENT, present_machine
from app.house import House
from app.problems import BadRequest
from events.errors import InvalidGraph, MachineUnobserved, NotFound, Problem
from events.graph import check_graph
from events.inputs import InputField, input_schema
from events.machine import Machine
from events.nodes import Graph
from events.ui_graph import convert
from events.wrapped_graphs import FoundGraphs, Wrapped, find_graphs
from infra.object_keys import graph_key
from infra.object_storage import ObjectMissing
from infra.offload import SMALL, in_thread, in_thread_if
from projections.queries import list_machines

_canonical = msgspec.json.Encoder(order="deterministic").encode
_decode_graph = msgspec.json.Decoder(dict[str, Any]).decode
_decode_class = msgspec.json.Decoder(dict[str, Any]).decode
_decode_classes = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_MOST_MACHINES = 100

INPUTS_BYTES = 256 * 1024
"""Largest inputs of a version, with their defaults and words, in JSON. Lists show them, every
promotion repeats them, and a workflow is read with those of all its versions."""


class StoredGraph(Struct, frozen=True, kw_only=True):
    """Where a graph lies, and the hash that it is known by."""

    key: str
    sha256: str


def graphs_in(graph: dict[str, Any] | None, ui_graph: dict[str, Any] | None) -> FoundGraphs:
    """Find the graphs in what was sent; what holds none is taken for one: its check says why."""
    sent = find_graphs({"graph": graph})
    other = find_graphs({"ui_graph": ui_graph})
    return FoundGraphs(
        api=sent.api or sent.ui or _as_it_is(graph, "/graph"),
        ui=other.ui or (sent.ui if sent.api else None) or _as_it_is(ui_graph, "/ui_graph"),
    )


def inputs_of(graph: Graph) -> tuple[InputField, ...]:
    """Return the inputs of a checked graph.

    Raises:
        InvalidGraph: together they are too large.

    """
    inputs = input_schema(graph)
    if len(_canonical(inputs)) > INPUTS_BYTES:
        params = {"limit": str(INPUTS_BYTES)}
        raise InvalidGraph(problems=[Problem(code="graph_inputs_too_large", params=params)])
    return inputs


def _as_it_is(sent: dict[str, Any] | None, where: str) -> Wrapped | None:
    return None if sent is None else Wrapped(sent, where)


async def runnable(
    house: House, caller: Caller, found: FoundGraphs, machine_id: UUID | None
) -> Graph:
    """Return the graph that shall run: as it was sent, or made from the editor's.

    Raises:
        InvalidGraph: with every problem.
        BadRequest: there is neither; or the caller has several machines, which differ.
        MachineUnobserved: no machine has told its classes of nodes.
        NotFound: the caller has no such machine.

    """
    # Large graphs take long enough for others to notice.
    if found.api:
        return await in_thread(_checked, found.api)
    if found.ui is None:
        raise BadRequest(Problem(code="graph_needed", pointer="/graph"))
    classes = await object_info_of(house, await _machine(house, caller, machine_id))
    return await in_thread(_converted, found.ui, classes)


def _checked(graph: Wrapped) -> Graph:
    """Check a graph in API format.

    Raises:
        InvalidGraph: with every problem; pointers begin at what was searched.

    """
    try:
        return check_graph(graph.graph)
    except InvalidGraph as error:
        problems = [replace(p, pointer=f"{graph.pointer}{p.pointer}") for p in error.problems]
        raise InvalidGraph(problems=problems) from error


def _converted(ui_graph: Wrapped, classes: bytes) -> Graph:
    pointers: Mapping[str, str] = {}
    try:
        made = convert(ui_graph.graph, _classes(classes))
        pointers = made.pointers
        return check_graph(made.graph)
    except InvalidGraph as error:
        problems = [
            replace(p, pointer=f"{ui_graph.pointer}{_origin(p.pointer, pointers)}")
            for p in error.problems
        ]
        raise InvalidGraph(problems=problems) from error


def _classes(described: bytes) -> dict[str, dict[str, Any]]:
    """Decode what a machine says of its classes, one by one: all in one call would be long."""
    return {name: _decode_class(one) for name, one in _decode_classes(described).items()}


def _origin(pointer: str, pointers: Mapping[str, str]) -> str:
    """Point at the node that the editor saved; what was converted, nobody has seen."""
    node_id = pointer.removeprefix("/").partition("/")[0]
    return pointers.get(node_id, "" if pointers else pointer)


async def object_info_of(house: House, machine: Machine) -> bytes:
    """Give what a machine last said of its classes of nodes, in JSON.

    Raises:
        MachineUnobserved: nobody has seen it yet, or what was seen is lost.

    """
    if machine.snapshot is None:
        raise MachineUnobserved
    try:
        return await house.storage.get_bytes(machine.snapshot.object_info_key)
    except ObjectMissing as error:
        raise MachineUnobserved from error


async def _machine(house: House, caller: Caller, machine_id: UUID | None) -> Machine:
    """Give the machine that is meant: the one that is named, or the only one there is."""
    if machine_id is not None:
        return await present_machine(house, caller, machine_id)
    async with house.pool.connection() as connection:
        page = await list_machines(
            connection, tenant=caller.tenant, limit=_MOST_MACHINES, states=PRESENT
        )
    machines: list[Machine] = [row.state for row in page.rows if row.state.snapshot]
    # Machines that say the same are as good as one.
    if len({m.snapshot.object_info_sha256 for m in machines if m.snapshot}) > 1:
        known = ", ".join(machine.name for machine in machines)
        raise BadRequest(
            Problem(code="machine_ambiguous", pointer="/machine_id", params={"known": known})
        )
    if not machines:
        raise MachineUnobserved
    return machines[0]


async def store(house: House, caller: Caller, graph: Mapping[str, Any]) -> StoredGraph:
    """Store a graph under its content.

    Raises:
        StorageUnavailable, StorageRefused: it is not stored.

    """
    body, sha256 = await in_thread(_encoded, graph)
    key = graph_key(caller.tenant, sha256, secret=house.settings.jwt_secret.encode())
    await house.storage.put_bytes(key, body, "application/json")
    return StoredGraph(key=key, sha256=sha256)


def _encoded(graph: Mapping[str, Any]) -> tuple[bytes, str]:
    body = _canonical(graph)
    return body, hashlib.sha256(body).hexdigest()


async def stored(house: House, key: str) -> dict[str, Any]:
    """Read a graph that was stored.

    Raises:
        NotFound: it is gone.
        StorageUnavailable, StorageRefused: it cannot be read.

    """
    body = await stored_json(house, key)
    return await in_thread_if(len(body) > SMALL, _decode_graph, body)


async def stored_json(house: House, key: str) -> bytes:
    """Read a graph that was stored, as it lies there; raise as `stored`."""
    try:
        return await house.storage.get_bytes(key)
    except ObjectMissing as error:
        raise NotFound("the graph of this version is gone from object storage") from error
