"""What is read out of a graph that is pushed."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from app.auth.caller import Caller
from app.commands.workflows.pushed_graphs import INPUTS_BYTES, check_plugin, graphs_in, inputs_of
from events.errors import InvalidGraph, Problem


def graph(size: int) -> dict[str, Any]:
    """Build a graph with two inputs that have so many characters of defaults."""
    return {
        name: {
            "class_type": "ComfyUIDeployExternalText",
            "inputs": {"input_id": name, "default_value": "x" * (size // 2)},
        }
        for name in ("a", "b")
    }


def test_inputs_have_room_for_long_defaults_but_not_for_any() -> None:
    assert [field.name for field in inputs_of(graph(INPUTS_BYTES - 1000))] == ["a", "b"]
    with pytest.raises(InvalidGraph) as refused:
        inputs_of(graph(INPUTS_BYTES))
    assert refused.value.problems == (
        Problem(code="graph_inputs_too_large", params={"limit": str(INPUTS_BYTES)}),
    )


ADA = Caller(user_id="ada", org_id=None)
NEEDY: dict[str, Any] = {
    "1": {"class_type": "ComfyUIDeployExternalEXR", "inputs": {"input_id": "x"}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
}
Known = frozenset[str] | None
"""The classes of a machine; None: it was never observed."""


class Fleet:
    """Machines, each with what is known of its classes."""

    def __init__(self, *known: Known) -> None:
        self._known = known

    async def page(self, _: Caller, **__: object) -> object:
        """Return the machines; each is what is known of it."""
        return SimpleNamespace(rows=[SimpleNamespace(state=one) for one in self._known])

    async def present(self, _: Caller, __: object) -> Known:
        """Return the machine that a push names: the first one."""
        return self._known[0]

    async def of(self, machine: Known) -> Known:
        """Return the classes of a machine."""
        return machine


STOCK: Known = frozenset({"SaveImage"})
WITH_PLUGIN: Known = frozenset({"SaveImage", "ComfyUIDeployExternalEXR"})


async def checked(*known: Known, named: bool = False, graph: dict[str, Any] = NEEDY) -> None:
    fleet = cast("Any", Fleet(*known))
    found = graphs_in({"prompt": graph}, None)
    await check_plugin(found, graph, ADA, uuid4() if named else None, fleet, fleet)


async def test_a_graph_that_needs_the_plugin_is_taken_if_a_machine_may_have_it() -> None:
    await checked()
    await checked(None, STOCK, WITH_PLUGIN)
    await checked(None)
    await checked(WITH_PLUGIN, named=True)
    await checked(None, named=True)
    await checked(STOCK, graph={"2": NEEDY["2"] | {"inputs": {}}})


@pytest.mark.parametrize(("known", "named"), [((STOCK, None), False), ((STOCK, WITH_PLUGIN), True)])
async def test_it_is_refused_where_no_machine_has_it(
    known: tuple[Known, ...], *, named: bool
) -> None:
    with pytest.raises(InvalidGraph) as refused:
        await checked(*known, named=named)
    [problem] = refused.value.problems
    assert (problem.code, problem.pointer) == ("node_needs_plugin", "/graph/prompt/1")
