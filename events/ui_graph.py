"""Turns a graph as the editor saves it into the API format, as the editor's own export does.

Which of the saved values belongs to which input, only a machine can tell: by its /object_info.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct

from events.errors import InvalidGraph, Problem
from events.nodes import Graph
from events.ui_graph_externals import EXTERNAL_INFOS
from events.ui_graph_links import VIRTUAL, Constant, Found, Source, feed_of
from events.ui_graph_scopes import Infos, Scope, unfold
from events.ui_graph_shape import Node, read_saved
from events.ui_graph_widgets import LIVE_TYPES, Info, Saved, Widget, read_widgets

_VALUE_SHOWN = 100


class Converted(Struct, frozen=True, kw_only=True):
    """A graph in API format, and where each of its nodes was."""

    graph: Graph
    pointers: Mapping[str, str]
    """JSON pointer into the saved graph, by node id."""


def convert(ui_graph: Mapping[str, Any], infos: Infos) -> Converted:
    """Convert a saved graph with what a machine says of its classes.

    Dynamic prompts and file name patterns stay as they are written: the same graph gives the same
    result.

    Raises:
        InvalidGraph: with every node that cannot be converted, and why.

    """
    infos = {**EXTERNAL_INFOS, **infos}
    root = unfold(read_saved(ui_graph), infos)
    graph: dict[str, Any] = {}
    pointers: dict[str, str] = {}
    problems: list[Problem] = []
    for scope, node in root.walk():
        if node.type in VIRTUAL or not node.active or node.key in scope.inner:
            continue
        try:
            graph[scope.id_of(node)] = _converted(scope, node, infos)
            pointers[scope.id_of(node)] = scope.pointer_to(node)
        except InvalidGraph as error:
            problems += error.problems
    if problems:
        raise InvalidGraph(problems=_once_each(problems))
    return Converted(graph=_without_loose_ends(_in_order(graph)), pointers=pointers)


def _converted(scope: Scope, node: Node, infos: Infos) -> dict[str, Any]:
    info = infos.get(node.type)
    if info is None:
        raise InvalidGraph(problems=[scope.problem(node, "node_unknown")])
    problems: list[Problem] = []
    feeds: dict[str, Found] = {}
    for index, slot in enumerate(node.slots):
        try:
            feeds[slot.name] = feed_of(scope, node, index)
        except InvalidGraph as error:
            problems += error.problems
    given = {name: _written(feed) for name, feed in feeds.items() if feed}
    reading = _Widgets(scope, node, info, frozenset(given))
    inputs = {**reading.values, **given}
    problems += reading.problems
    if problems:
        raise InvalidGraph(problems=problems)
    title = node.title or info.get("display_name") or node.type
    return {"class_type": node.type, "inputs": inputs, "_meta": {"title": str(title)}}


class _Widgets:
    """The values of a node's widgets, and what is wrong with them."""

    def __init__(self, scope: Scope, node: Node, info: Info, given: frozenset[str]) -> None:
        self.values: dict[str, object] = {}
        self._scope = scope
        self._node = node
        saved = Saved(node.widgets_values)
        self._all = [
            (widget, scope.overrides.get((node.key, widget.name), value))
            for widget, value in read_widgets(info, node.slots, saved)
        ]
        self.problems = [*self._surplus(saved.rest)]
        for widget, value in self._all:
            if widget.name not in given:
                self.problems += self._misfit(widget, value)
                self.values[widget.name] = _wrapped(widget, value)
        self.values = {name: v for name, v in self.values.items() if v is not UNSET}

    def _surplus(self, rest: Sequence[object]) -> Iterator[Problem]:
        """Tell that values are left which mean something: then all may be at the wrong place."""
        known = len(self._all)
        if any(_means_something(value, alone=not known) for value in rest):
            params = {"count": str(len(rest)), "known": str(known)}
            yield self._scope.problem(self._node, "ui_widgets_surplus", **params)

    def _misfit(self, widget: Widget, value: object) -> Iterator[Problem]:
        if widget.type in LIVE_TYPES:
            yield self._scope.problem(self._node, "ui_widget_live", input=widget.name)
        elif value is not UNSET and not widget.takes(value):
            shown = str(value)[:_VALUE_SHOWN]
            params = {"input": widget.name, "value": shown, "type": widget.type}
            yield self._scope.problem(self._node, "ui_widget_misfit", **params)


def _means_something(value: object, *, alone: bool) -> bool:
    """Whether a value that no widget of the class takes may matter.

    A class without widgets of its own often has one that shows its latest result.
    """
    return isinstance(value, dict) and bool(value) if alone else value not in (None, "", [], {})


def _wrapped(widget: Widget, value: object) -> object:
    """Keep ComfyUI from taking a list for a link."""
    if widget.type == "CURVE" and value is not None:
        return {"__type__": "CURVE", "__value__": value}
    return {"__value__": value} if isinstance(value, list) else value


def _written(feed: Source | Constant) -> object:
    if isinstance(feed, Source):
        return [feed.node_id, feed.slot]
    return {"__value__": feed.value} if isinstance(feed.value, list) else feed.value


def _in_order(graph: dict[str, Any]) -> dict[str, Any]:
    """Put the nodes in the order in which a browser writes them: numbers first, by size."""
    numbers = sorted((key for key in graph if key.isdecimal()), key=lambda key: (len(key), key))
    return {key: graph[key] for key in [*numbers, *(k for k in graph if not k.isdecimal())]}


def _without_loose_ends(graph: dict[str, Any]) -> dict[str, Any]:
    """Drop links to nodes that are left out."""
    for node in graph.values():
        node["inputs"] = {
            name: value
            for name, value in node["inputs"].items()
            if not isinstance(value, list) or value[0] in graph
        }
    return graph


def _once_each(problems: Sequence[Problem]) -> list[Problem]:
    """Drop repeats: one broken wire inside stops every node behind it."""
    return list({(p.code, p.pointer, *sorted(p.params.items())): p for p in problems}.values())
