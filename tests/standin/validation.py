"""Checks a graph as ComfyUI does, with its error types and its wording."""

import math
from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct

from tests.standin.folders import Folders, PathEscapes
from tests.standin.nodes.catalogue import CLASSES
from tests.standin.nodes.node import NodeClass

Graph = dict[str, Any]
Problem = dict[str, Any]
_NUMBERS: Mapping[str, Any] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
_BROKEN = (KeyError, IndexError, TypeError, AttributeError)
"""What a malformed node makes the checks run into."""


class PromptRefused(Exception):
    """Nothing of the prompt can run; carries the answer's `error` and `node_errors`."""

    def __init__(self, problem: Problem, node_errors: Mapping[str, Any] | None = None) -> None:
        self.problem = problem
        self.node_errors = dict(node_errors or {})
        super().__init__(problem["message"])


class Checked(Struct, frozen=True):
    """What can run, and what is wrong with the rest."""

    outputs: tuple[str, ...]
    node_errors: dict[str, Any]


def check(graph: Graph, folders: Folders, targets: Collection[str] | None = None) -> Checked:
    """Check *graph*, converting its values in place as ComfyUI does.

    Raises:
        PromptRefused: no output can be reached.

    """
    roots = [i for i in graph if _class_of(graph, i).saves and (targets is None or i in targets)]
    if not roots:
        raise PromptRefused(problem("prompt_no_outputs", "Prompt has no outputs"))
    checker = _Checker(graph, folders)
    good, messages = [], []
    node_errors: dict[str, Any] = {}
    for root in roots:
        found = checker.root(root)
        if not found:
            good.append(root)
            continue
        messages += [f"{p['message']}: {p['details']}" for p in checker.found[root]]
        _collect(node_errors, found, graph, root)
    if not good:
        message = "Prompt outputs failed validation"
        text = "\n".join(messages)
        raise PromptRefused(problem("prompt_outputs_failed_validation", message, text), node_errors)
    return Checked(tuple(good), node_errors)


def problem(kind: str, message: str, details: str = "", **extra: object) -> Problem:
    """Put an error into ComfyUI's shape."""
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


def _class_of(graph: Graph, node_id: str) -> NodeClass:
    node = graph[node_id]
    kind = node.get("class_type")
    title = node.get("_meta", {}).get("title")
    if kind is None:
        why = f"Node 'ID #{node_id}' has no class_type. The graph may be damaged."
    elif kind in CLASSES:
        return CLASSES[kind]
    else:
        why = f"Node '{title or kind}' not found. The custom node may not be installed."
    extra = {"node_id": node_id, "class_type": kind, "node_title": title or kind}
    raise PromptRefused(problem("missing_node_type", why, f"Node ID '#{node_id}'", **extra))


def _collect(
    node_errors: dict[str, Any], found: Mapping[str, list[Problem]], graph: Graph, root: str
) -> None:
    for node_id, problems in found.items():
        entry = node_errors.setdefault(
            node_id,
            {
                "errors": problems,
                "dependent_outputs": [],
                "class_type": graph[node_id]["class_type"],
            },
        )
        entry["dependent_outputs"].append(root)


class _Checker:
    """Checks every node once; remembers what was found."""

    def __init__(self, graph: Graph, folders: Folders) -> None:
        self.graph = graph
        self.folders = folders
        self.found: dict[str, list[Problem]] = {}
        self.above: dict[str, set[str]] = {}
        self._path: list[str] = []

    def root(self, root: str) -> dict[str, list[Problem]]:
        """Check an output and all above it; give the nodes that have problems."""
        try:
            self._node(root)
        except _BROKEN as error:
            self.found[root] = [_raised("exception_during_validation", "node", error)]
        reached = self._reached(root)
        return {i: self.found[i] for i in self.found if i in reached and self.found[i]}

    def _reached(self, root: str) -> set[str]:
        reached, open_ends = {root}, [root]
        while open_ends:
            new = self.above.get(open_ends.pop(), set()) - reached
            reached |= new
            open_ends += new
        return reached

    def _node(self, node_id: str) -> None:
        if node_id in self._path:
            self._cycle(node_id)
            return
        if node_id in self.found:
            return
        self._path.append(node_id)
        try:
            found = self._inputs(node_id)
        finally:
            self._path.pop()
        self.found.setdefault(node_id, []).extend(found)

    def _cycle(self, node_id: str) -> None:
        members = self._path[self._path.index(node_id) :]
        named = [f"{i} ({self.graph[i]['class_type']})" for i in [*members, node_id]]
        for member in members:
            extra = {"node_id": member, "cycle_nodes": members}
            details = " -> ".join(named)
            self.found[member] = [
                problem("dependency_cycle", "Dependency cycle detected", details, **extra)
            ]

    def _inputs(self, node_id: str) -> list[Problem]:
        node = self.graph[node_id]
        given = node["inputs"]
        self.above[node_id] = set()
        found: list[Problem] = []
        for name, spec in CLASSES[node["class_type"]].inputs.items():
            if name not in given:
                message = "Required input is missing"
                found.append(problem("required_input_missing", message, name, input_name=name))
            elif isinstance(given[name], list):
                found += self._link(node_id, name, spec, given[name])
            else:
                found += self._value(given, name, spec)
        return found

    def _link(self, node_id: str, name: str, spec: list[Any], link: list[Any]) -> list[Problem]:
        where = {"input_name": name, "input_config": spec}
        if len(link) != 2:
            message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            return [problem("bad_linked_input", message, name, **where, received_value=link)]
        source, slot = link
        offered = CLASSES[self.graph[source]["class_type"]].outputs[slot]
        if spec[0] not in ("*", offered):
            message = "Return type mismatch between linked nodes"
            details = f"{name}, received_type({offered}) mismatch input_type({spec[0]})"
            extra = {**where, "received_type": offered, "linked_node": link}
            return [problem("return_type_mismatch", message, details, **extra)]
        self.above[node_id].add(source)
        try:
            self._node(source)
        except _BROKEN as error:
            kind = "exception_during_inner_validation"
            self.found[source] = [_raised(kind, "inner node", error, **where, linked_node=link)]
        return []

    def _value(self, given: dict[str, Any], name: str, spec: list[Any]) -> list[Problem]:
        kind, options = spec
        where = {"input_name": name, "input_config": spec, "received_value": given[name]}
        if isinstance(kind, str) and kind in _NUMBERS:
            try:
                given[name] = _NUMBERS[kind](given[name])
            except (ValueError, TypeError) as error:
                message = f"Failed to convert an input value to a {kind} value"
                details = f"{name}, {given[name]}, {error}"
                extra = {**where, "exception_message": str(error)}
                return [problem("invalid_input_type", message, details, **extra)]
        if options.get("image_upload"):
            return self._file(given[name], name)
        return _limits(given[name], name, spec, {**where, "received_value": given[name]})

    def _file(self, value: str, name: str) -> list[Problem]:
        try:
            if self.folders.annotated(value).is_file():
                return []
        except PathEscapes:
            pass
        details = f"{name} - Invalid image file: {value}"
        message = "Custom validation failed for node"
        return [problem("custom_validation_failed", message, details, input_name=name)]


def _limits(value: Any, name: str, spec: list[Any], where: dict[str, Any]) -> list[Problem]:
    kind, options = spec
    if isinstance(kind, list):
        if value in kind:
            return []
        details = f"{name}: '{value}' not in {kind}"
        return [problem("value_not_in_list", "Value not in list", details, **where)]
    if kind in ("INT", "FLOAT") and value < options.get("min", -math.inf):
        message = f"Value {value} smaller than min of {options['min']}"
        return [problem("value_smaller_than_min", message, name, **where)]
    if kind in ("INT", "FLOAT") and value > options.get("max", math.inf):
        message = f"Value {value} bigger than max of {options['max']}"
        return [problem("value_bigger_than_max", message, name, **where)]
    return []


def _raised(kind: str, what: str, error: Exception, **extra: object) -> Problem:
    return problem(
        kind,
        f"Exception when validating {what}",
        str(error),
        **extra,
        exception_message=str(error),
        exception_type=type(error).__name__,
        traceback=[],
    )
