"""Compares two versions of a workflow: first what callers see, its inputs; then its nodes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from events.graph.inputs import InputField
from events.graph.nodes import Graph


class InputChange(Struct, frozen=True, kw_only=True):
    """One property of an input that is different."""

    name: str
    field: str
    before: Any
    after: Any


class InputsDiff(Struct, frozen=True, kw_only=True):
    """What is different in the inputs, in the order in which the newer version has them."""

    added: tuple[InputField, ...] = ()
    removed: tuple[InputField, ...] = ()
    changed: tuple[InputChange, ...] = ()


class NodeEntry(Struct, frozen=True, kw_only=True):
    """A node that only one of the versions has."""

    node_id: str
    class_type: str
    title: str = ""


class NodeChange(Struct, frozen=True, kw_only=True):
    """One input of a node that is different; None where there is none."""

    node_id: str
    class_type: str
    input: str
    before: Any
    after: Any


class NodesDiff(Struct, frozen=True, kw_only=True):
    """What is different in the nodes. A node of another class counts as removed and added."""

    added: tuple[NodeEntry, ...] = ()
    removed: tuple[NodeEntry, ...] = ()
    changed: tuple[NodeChange, ...] = ()


class GraphDiff(Struct, frozen=True, kw_only=True):
    """What is different between two versions."""

    inputs: InputsDiff = field(default_factory=InputsDiff)
    nodes: NodesDiff = field(default_factory=NodesDiff)

    @property
    def is_empty(self) -> bool:
        """Whether both versions run the same."""
        return self == GraphDiff()


def diff_inputs(before: Sequence[InputField], after: Sequence[InputField]) -> InputsDiff:
    """Compare the inputs of two versions."""
    old = {item.name: item for item in before}
    new = {item.name: item for item in after}
    return InputsDiff(
        added=tuple(item for item in after if item.name not in old),
        removed=tuple(item for item in before if item.name not in new),
        changed=tuple(
            change
            for item in after
            if item.name in old
            for change in _input_changes(old[item.name], item)
        ),
    )


def _input_changes(before: InputField, after: InputField) -> Iterator[InputChange]:
    old, new = asdict(before), asdict(after)
    for name, value in new.items():
        if not _same(old[name], value):
            yield InputChange(name=after.name, field=name, before=old[name], after=value)


def diff_nodes(before: Graph, after: Graph) -> NodesDiff:
    """Compare the nodes of two graphs in API format."""
    same = {key for key in after if key in before and _class(before[key]) == _class(after[key])}
    return NodesDiff(
        added=tuple(_entry(key, after[key]) for key in _ordered(after) if key not in same),
        removed=tuple(_entry(key, before[key]) for key in _ordered(before) if key not in same),
        changed=tuple(
            change
            for key in _ordered(after)
            if key in same
            for change in _node_changes(key, before[key], after[key])
        ),
    )


def _node_changes(
    key: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[NodeChange]:
    old, new = before["inputs"], after["inputs"]
    for name in [*new, *(n for n in old if n not in new)]:
        was, now = old.get(name), new.get(name)
        if (name in old) != (name in new) or not _same(was, now):
            yield NodeChange(
                node_id=key, class_type=_class(after), input=name, before=was, after=now
            )


def _same(before: object, after: object) -> bool:
    """Compare as a node would see it: 1 and 1.0 are one number, 1 and true are not one value."""
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    return before == after


def _class(node: Mapping[str, Any]) -> str:
    return str(node["class_type"])


def _entry(key: str, node: Mapping[str, Any]) -> NodeEntry:
    meta = node.get("_meta")
    title = meta.get("title", "") if isinstance(meta, Mapping) else ""
    return NodeEntry(node_id=key, class_type=_class(node), title=str(title))


def _ordered(graph: Graph) -> list[str]:
    """Return the ids in the order in which people count."""
    return sorted(graph, key=lambda key: [(len(part), part) for part in key.split(":")])
