"""Graphs that are pushed: found in what was sent, checked, converted from the editor's format."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from app.auth.caller import Caller
from app.http.bad_request import bad
from app.reads.graphs import Graphs
from app.reads.machine_classes import MachineClasses
from app.reads.machines import MachineReads
from events.errors import InvalidGraph, MachineUnobserved, Problem
from events.graph.check import check_graph
from events.graph.editor.convert import convert
from events.graph.externals.plugin import PLUGIN_CLASSES, plugin_problems
from events.graph.inputs import InputField, input_schema
from events.graph.nodes import Graph
from events.graph.wrapped import FoundGraphs, Wrapped, find_graphs
from events.machine.state import Machine
from infra.offload import in_thread

_canonical = msgspec.json.Encoder(order="deterministic").encode
_decode_class = msgspec.json.Decoder(dict[str, Any]).decode
_decode_classes = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_MOST_MACHINES = 100

INPUTS_BYTES = 256 * 1024
"""Largest inputs of a version, with their defaults and words, in JSON. Lists show them, every
promotion repeats them, and a workflow is read with those of all its versions."""


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


async def check_plugin(
    found: FoundGraphs,
    graph: Graph,
    caller: Caller,
    machine_id: UUID | None,
    machines: MachineReads,
    classes: MachineClasses,
) -> None:
    """Check that a machine has what only the plugin can do: the one that is named, or any.

    Machines that were never observed may have it; a worker finds out.

    Raises:
        InvalidGraph: with every node that needs the plugin.
        NotFound: the caller has no such machine.

    """
    if not PLUGIN_CLASSES & {node["class_type"] for node in graph.values()}:
        return
    known = [names async for names in _known_classes(caller, machine_id, machines, classes)]
    refusals = [await in_thread(plugin_problems, graph, names) for names in known]
    if refusals and all(refusals):
        least = min(refusals, key=len)
        raise InvalidGraph(problems=[_placed(problem, found) for problem in least])


async def _known_classes(
    caller: Caller, machine_id: UUID | None, machines: MachineReads, classes: MachineClasses
) -> AsyncIterator[frozenset[str]]:
    """Yield what the machines have on which a graph may run, of those that were observed."""
    if machine_id is not None:
        found = [await machines.present(caller, machine_id)]
    else:
        page = await machines.page(caller, limit=_MOST_MACHINES)
        found = [row.state for row in page.rows]
    for machine in found:
        names = await classes.of(machine)
        if names is not None:
            yield names


def _placed(problem: Problem, found: FoundGraphs) -> Problem:
    """Point into what was sent; a node that was made from the editor's graph is only named."""
    if found.api:
        return replace(problem, pointer=found.api.pointer + problem.pointer)
    return replace(problem, pointer=found.ui.pointer if found.ui else "")


async def runnable(
    found: FoundGraphs,
    caller: Caller,
    machine_id: UUID | None,
    machines: MachineReads,
    graphs: Graphs,
) -> Graph:
    """Return the graph to run: as it was sent, or made from the editor's.

    Raises:
        InvalidGraph: with every problem.
        BadRequest: there is neither; or the caller has several machines, which differ.
        MachineUnobserved: no machine's classes of nodes are known.
        NotFound: the caller has no such machine.

    """
    # Large graphs take long enough for others to notice.
    if found.api:
        return await in_thread(_checked, found.api)
    if found.ui is None:
        raise bad("graph_needed", "/graph")
    classes = await graphs.object_info(await _machine(caller, machine_id, machines))
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
    """Point at the node that the editor saved; the client has not seen the converted one."""
    node_id = pointer.removeprefix("/").partition("/")[0]
    return pointers.get(node_id, "" if pointers else pointer)


async def _machine(caller: Caller, machine_id: UUID | None, machines: MachineReads) -> Machine:
    """Return the machine that is meant: the one that is named, or the only one there is."""
    if machine_id is not None:
        return await machines.present(caller, machine_id)
    page = await machines.page(caller, limit=_MOST_MACHINES)
    seen: list[Machine] = [row.state for row in page.rows if row.state.snapshot]
    # Machines that say the same are as good as one.
    if len({m.snapshot.object_info_sha256 for m in seen if m.snapshot}) > 1:
        raise bad("machine_ambiguous", "/machine_id", known=", ".join(m.name for m in seen))
    if not seen:
        raise MachineUnobserved
    return seen[0]
