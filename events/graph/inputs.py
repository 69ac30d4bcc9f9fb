"""The inputs of a workflow: which ones a graph has, and checking the values of a run."""

from collections.abc import Collection, Container, Mapping, Sequence
from itertools import islice, takewhile
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from events.errors import InvalidInputs, Problem
from events.graph.externals.classes import (
    EXTERNALS,
    RANDOM_SEED,
    Default,
    InputKind,
    bounds_of,
    default_of,
    options_of,
    within,
)
from events.graph.externals.values import MOST_IMAGES, AnyUrl, Constant, Images, Unfit, Value
from events.graph.nodes import Graph, pointer

__all__ = [
    "InputField",
    "InputKind",
    "check_inputs",
    "effective_values",
    "input_schema",
    "items_of",
]


_NAMED = 20
"""Inputs that a message names, of those that there are."""


class InputField(Struct, frozen=True, kw_only=True):
    """One input of a workflow, as its callers see it."""

    name: str
    kind: InputKind
    class_type: str
    required: bool
    default: Annotated[
        Constant | None,
        Meta(description="The constant default; None also when another node supplies it."),
    ] = None

    minimum: float | None = None
    maximum: float | None = None
    display_name: str = ""
    description: str = ""
    options: Annotated[
        tuple[str, ...] | UnsetType, Meta(description="What it may be chosen from, if not any.")
    ] = UNSET


def input_schema(graph: Graph) -> tuple[InputField, ...]:
    """Return the inputs of a graph that check_graph has passed, in the order of its nodes.

    Nodes that share an input_id are one input: required if any of them needs it, and within the
    bounds of all.
    """
    fields: dict[str, InputField] = {}
    for node in graph.values():
        if node["class_type"] in EXTERNALS:
            field = _field(node)
            known = fields.get(field.name)
            fields[field.name] = _merged(known, field) if known else field
    return tuple(fields.values())


def _field(node: Mapping[str, Any]) -> InputField:
    inputs = node["inputs"]
    default = default_of(node)
    minimum, maximum = bounds_of(node)
    return InputField(
        name=inputs["input_id"],
        kind=EXTERNALS[node["class_type"]].kind,
        class_type=node["class_type"],
        # A seed without one is left to chance.
        required=default is None and EXTERNALS[node["class_type"]].kind is not InputKind.SEED,
        default=_constant(default),
        minimum=minimum,
        maximum=maximum,
        display_name=_words(inputs.get("display_name")),
        description=_words(inputs.get("description")),
        options=options_of(node) or UNSET,
    )


def _merged(first: InputField, second: InputField) -> InputField:
    lows = [f.minimum for f in (first, second) if f.minimum is not None]
    highs = [f.maximum for f in (first, second) if f.maximum is not None]
    return replace(
        first,
        required=first.required or second.required,
        minimum=max(lows, default=None),
        maximum=min(highs, default=None),
        options=_common(first.options, second.options),
    )


Options = tuple[str, ...] | UnsetType


def _common(first: Options, second: Options) -> Options:
    if not first or not second:
        return first or second
    return tuple(one for one in first if one in second)


def _constant(default: Default | None) -> Constant | None:
    if isinstance(default, AnyUrl):
        return default.url
    if isinstance(default, tuple):
        return msgspec.json.encode([one.url for one in default]).decode()
    return default if isinstance(default, Constant) else None


def _words(value: object) -> str:
    return value if isinstance(value, str) else ""


def check_inputs(schema: Sequence[InputField], values: Mapping[str, object]) -> dict[str, Value]:
    """Convert what a caller sent. An input that is absent or null keeps its default.

    Raises:
        InvalidInputs: with every problem there is.

    """
    fields = {field.name: field for field in schema}
    known = _names(fields)
    problems = [_problem("input_unknown", n, known=known) for n in values if n not in fields]
    checked: dict[str, Value] = {}
    for name, field in fields.items():
        sent = values.get(name)
        if sent is not None:
            try:
                checked |= _named(name, _converted(field, sent))
            except Unfit as unfit:
                problems.append(_problem(unfit.code, name, **unfit.params))
        elif field.required:
            problems.append(_problem("input_required", name))
    if problems:
        raise InvalidInputs(problems=problems)
    return checked


def _converted(field: InputField, sent: object) -> Value | Images:
    value = EXTERNALS[field.class_type].convert(sent)
    if isinstance(value, tuple) or (field.kind is InputKind.SEED and value == RANDOM_SEED):
        return value
    if field.options and value not in field.options:
        raise Unfit("input_not_an_option", options=", ".join(_shown(field.options)))
    return within(value, field.minimum, field.maximum)


def _named(name: str, value: Value | Images) -> dict[str, Value]:
    """Return a value by its name; several images each by its own, and their number by the name."""
    if not isinstance(value, tuple):
        return {name: value}
    items: dict[str, Value] = {item_name(name, n): one for n, one in enumerate(value)}
    return {name: len(value), **items}


def item_name(name: str, index: int) -> str:
    """Return the name of one of the images that an input takes."""
    return f"{name}[{index}]"


def items_of(name: str, names: Container[str]) -> list[str]:
    """Return those of *names* that are images of one input, in order."""
    return list(takewhile(names.__contains__, (item_name(name, n) for n in range(MOST_IMAGES))))


def _names(fields: Mapping[str, InputField]) -> str:
    return ", ".join(_shown(fields)) or "—"


def _shown(names: Collection[str]) -> list[str]:
    return [*islice(names, _NAMED), *(["…"] if len(names) > _NAMED else [])]


def _problem(code: str, name: str, **params: str) -> Problem:
    return Problem(code=code, pointer=pointer("inputs", name), params={"name": name, **params})


V = TypeVar("V")


def effective_values(
    schema: Sequence[InputField], checked: Mapping[str, V]
) -> dict[str, V | Constant | AnyUrl]:
    """Add what has to be fetched because the workflow names it as a default."""
    effective: dict[str, V | Constant | AnyUrl] = {}
    for field in schema:
        if field.name not in checked and isinstance(field.default, str):
            effective |= _fetched_default(field, field.default)
    return effective | dict(checked)


def _fetched_default(field: InputField, default: str) -> dict[str, Constant | AnyUrl]:
    value = EXTERNALS[field.class_type].convert(default)
    if not isinstance(value, AnyUrl | tuple):
        return {}
    named = _named(field.name, value)
    return {name: one for name, one in named.items() if isinstance(one, Constant | AnyUrl)}
