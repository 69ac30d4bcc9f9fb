"""Convert a graph as the editor saves it to the API format, as the editor's own export does.

Which of the saved values belongs to which input, only a machine can tell: by its /object_info.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct

from events.errors import InvalidGraph, Problem
from events.graph.editor.broadcasts import BROADCASTERS
from events.graph.editor.classes import UNSAVED_TYPES, Classes, Info, Widget
from events.graph.editor.ids import with_unique_ids
from events.graph.editor.links import SETTER_MISSING, VIRTUAL, Constant, Found, Source, feed_of
from events.graph.editor.plugin import PLUGIN_INFOS
from events.graph.editor.reading import read_saved
from events.graph.editor.scopes import Scope, unfold
from events.graph.editor.shape import Node
from events.graph.editor.widgets import CUSTOM_COMBO, with_choice
from events.graph.nodes import Graph

_VALUE_SHOWN = 100


class Converted(Struct, frozen=True, kw_only=True):
    """A graph in API format, and where each of its nodes was."""

    graph: Graph
    pointers: Mapping[str, str]
    """JSON pointer into the saved graph, by node id."""


def convert(ui_graph: Mapping[str, Any], infos: Mapping[str, Info | None]) -> Converted:
    """Convert a saved graph with what a machine says of its classes.

    Dynamic prompts and file name patterns stay as they are written: the same graph gives the same
    result.

    Raises:
        InvalidGraph: with every node that cannot be converted, and why.

    """
    classes = Classes({**PLUGIN_INFOS, **infos})
    root = unfold(with_unique_ids(read_saved(ui_graph)), classes)
    graph: dict[str, Any] = {}
    pointers: dict[str, str] = {}
    problems: list[Problem] = []
    for scope, node in root.walk():
        if node.type in VIRTUAL or not node.active or node.key in scope.inner:
            continue
        if node.type in BROADCASTERS and classes.get(node.type) is None:
            continue
        try:
            graph[scope.id_of(node)] = _converted(scope, node, classes)
            pointers[scope.id_of(node)] = scope.pointer_to(node)
        except InvalidGraph as error:
            problems += error.problems
    if problems:
        raise InvalidGraph(problems=_once_each(problems))
    return Converted(graph=_without_loose_ends(_in_order(graph)), pointers=pointers)


def _converted(scope: Scope, node: Node, classes: Classes) -> dict[str, Any]:
    node_class = classes.get(node.type)
    if node_class is None:
        raise InvalidGraph(problems=[scope.problem(node, "node_unknown")])
    problems: list[Problem] = []
    feeds: dict[str, Found] = {}
    for index, slot in enumerate(node.slots):
        try:
            feeds[slot.name] = feed_of(scope, node, index)
        except InvalidGraph as error:
            # What need not be fed may hang on a getter without a setter.
            spared = slot.name in node_class.optional_names
            problems += [p for p in error.problems if not (spared and p.code == SETTER_MISSING)]
    given = {name: _written(feed) for name, feed in feeds.items() if feed}
    values = _values(scope, node)
    choice = feeds.get("choice")
    if node.type == CUSTOM_COMBO and isinstance(choice, Constant) and choice.of_primitive:
        values = with_choice(values, choice.value)
    problems += _misread(scope, node, values, given)
    if problems:
        raise InvalidGraph(problems=problems)
    widgets = scope.readings[node.key].widgets
    own = {name: _wrapped(widgets[name], value) for name, value in values.items()}
    title = node.title or node_class.title
    return {"class_type": node.type, "inputs": {**own, **given}, "_meta": {"title": str(title)}}


def _values(scope: Scope, node: Node) -> dict[str, object]:
    """Return what a node's widgets hold: what was saved, or what the box around it says."""
    reading = scope.readings[node.key]
    held = {name: scope.by_place.get((node.key, name), UNSET) for name in reading.widgets}
    return {**reading.values, **{name: v for name, v in held.items() if v is not UNSET}}


def _misread(
    scope: Scope, node: Node, values: Mapping[str, object], given: Mapping[str, object]
) -> Iterator[Problem]:
    """Yield what is wrong with a node's values: they may be at the wrong place."""
    reading = scope.readings[node.key]
    free = {name: widget for name, widget in reading.widgets.items() if name not in given}
    for name, widget in free.items():
        if widget.is_live(values.get(name)):
            yield scope.problem(node, "ui_widget_live", input=name)
            return  # Its pack knows better what else is saved here.
    known, rest = len(reading.widgets), reading.rest
    if any(widget.type in UNSAVED_TYPES for widget in reading.widgets.values()):
        rest = ()  # Older editors saved what such a widget showed.
    if any(_means_something(value, alone=not known) for value in rest):
        params = {"count": str(len(rest)), "known": str(known)}
        yield scope.problem(node, "ui_widgets_surplus", **params)
    for name, widget in free.items():
        if name in values and not widget.takes(values[name]):
            shown = str(values[name])[:_VALUE_SHOWN]
            params = {"input": name, "value": shown, "type": widget.type}
            yield scope.problem(node, "ui_widget_misfit", **params)


def _means_something(value: object, *, alone: bool) -> bool:
    """Whether a value that no widget of the class takes may matter.

    A class without widgets of its own often has one that shows its latest result.
    """
    return isinstance(value, dict) and bool(value) if alone else value not in (None, "", [], {})


def _wrapped(widget: Widget, value: object) -> object:
    """Keep ComfyUI from taking a list for a link."""
    if not isinstance(value, list):
        return value
    return {**({"__type__": "CURVE"} if widget.type == "CURVE" else {}), "__value__": value}


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
