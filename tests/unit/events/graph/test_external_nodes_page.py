"""The pages about external nodes, in both languages, against what the code does."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from events.graph.compile import compile_graph
from events.graph.externals.classes import EXTERNALS, External, InputKind, never
from events.graph.externals.outputs import ALWAYS, WHERE_LACKING
from events.graph.externals.plugin import PLUGIN_CLASSES

DOCS = Path(__file__).parents[4] / "docs"
PAGES = {
    "external-nodes.md": ("refused", "stays", "the value itself"),
    "zh/external-nodes.md": ("拒绝", "保留", "值本身"),
}
MODELS = {InputKind.LORA, InputKind.CHECKPOINT}
OTHERS_ALWAYS = {"SaveImageWebsocket", "ETN_SendImageWebSocket"}
"""Of other packs."""

Rows = dict[str, list[str]]


def rows(page: str) -> Rows:
    """Read the lines of the tables by class; the last two columns are about machines."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    tables = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    cells = [[cell.strip() for cell in line] for line in tables]
    return {name: row for row in cells for name in names(row[0])}


def names(cell: str) -> list[str]:
    """Return what stands between backticks."""
    return cell.split("`")[1::2]


def stock_nodes(class_type: str) -> set[str]:
    """Return the classes that take the place of a class when a file is sent."""
    node: dict[str, Any] = {"class_type": class_type, "inputs": {"input_id": "x"}}
    files = {"x": "a", "x[0]": "a", "x[1]": "b"}
    graph = {"1": node, "2": {"class_type": "Node", "inputs": {"a": ["1", 0]}}}
    compiled = compile_graph(graph, {}, prompt_id=UUID(int=1), image_names=files, seeds={})
    return {one["class_type"] for one in compiled.values()} - {"Node"}


@pytest.mark.parametrize("page", PAGES)
def test_every_class_of_the_plugin_has_a_line(page: str) -> None:
    found = rows(page)
    assert found.keys() == PLUGIN_CLASSES | (ALWAYS.keys() - OTHERS_ALWAYS)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("class_type", EXTERNALS)
def test_an_input_is_as_its_line_says(page: str, class_type: str) -> None:
    _, kind, _, defaults, without, with_it = rows(page)[class_type]
    external = EXTERNALS[class_type]
    refused, stays, constant = PAGES[page]

    assert names(kind) == [external.kind]
    assert tuple(names(defaults)) == external.default_keys
    assert (refused in without) == may_need_plugin(external)
    assert (stays in with_it) == (may_need_plugin(external) or external.keeps_urls)
    assert set(names(without)) == (stock_nodes(class_type) if external.stand_in else set())
    is_constant = not (external.stand_in or external.keeps_urls or external.is_stock is never)
    assert (constant in without) == is_constant


def may_need_plugin(external: External) -> bool:
    """Whether no stock node does some of what a class does."""
    return not is_always_stock(external) or external.kind in MODELS


def is_always_stock(external: External) -> bool:
    """Whether stock nodes do all that a class does, whatever its inputs and outputs are."""
    changed = {"frame_load_cap": 1}
    return external.is_stock(changed, frozenset({external.slots - 1}))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("class_type", sorted(PLUGIN_CLASSES - EXTERNALS.keys() | ALWAYS.keys()))
def test_an_output_is_as_its_line_says(page: str, class_type: str) -> None:
    if class_type in OTHERS_ALWAYS:
        return
    _, without, with_it = rows(page)[class_type]
    refused, stays, _ = PAGES[page]
    savers = (ALWAYS[class_type],) if class_type in ALWAYS else WHERE_LACKING.get(class_type, ())

    assert {saver.class_type for saver in savers} <= set(names(without))
    assert (stays in with_it) == (class_type not in ALWAYS)
    if not savers:
        assert without == refused
