"""The inputs of a workflow: which ones a graph has, and checking the values of a run."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct
from msgspec.structs import replace

from events.errors import InvalidInputs, Problem
from events.graph.externals import EXTERNALS, InputKind, bounds_of, default_of, within
from events.graph.nodes import Graph, pointer
from events.graph.values import Constant, ImageUrl, Unfit, Value

__all__ = [
    "InputField",
    "InputKind",
    "check_inputs",
    "effective_values",
    "input_schema",
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
        required=default is None,
        default=default.url if isinstance(default, ImageUrl) else _constant(default),
        minimum=minimum,
        maximum=maximum,
        display_name=_words(inputs.get("display_name")),
        description=_words(inputs.get("description")),
    )


def _merged(first: InputField, second: InputField) -> InputField:
    lows = [f.minimum for f in (first, second) if f.minimum is not None]
    highs = [f.maximum for f in (first, second) if f.maximum is not None]
    return replace(
        first,
        required=first.required or second.required,
        minimum=max(lows, default=None),
        maximum=min(highs, default=None),
    )


def _constant(default: object) -> Constant | None:
    return default if isinstance(default, str | int | float | bool) else None


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
                checked[name] = _converted(field, sent)
            except Unfit as unfit:
                problems.append(_problem(unfit.code, name, **unfit.params))
        elif field.required:
            problems.append(_problem("input_required", name))
    if problems:
        raise InvalidInputs(problems=problems)
    return checked


def _converted(field: InputField, sent: object) -> Value:
    value = EXTERNALS[field.class_type].convert(sent)
    return within(value, field.minimum, field.maximum)


def _names(fields: Mapping[str, InputField]) -> str:
    names = [*islice(fields, _NAMED), *(["…"] if len(fields) > _NAMED else [])]
    return ", ".join(names) or "—"


def _problem(code: str, name: str, **params: str) -> Problem:
    return Problem(code=code, pointer=pointer("inputs", name), params={"name": name, **params})


V = TypeVar("V")


def effective_values(
    schema: Sequence[InputField], checked: Mapping[str, V]
) -> dict[str, V | ImageUrl]:
    """Add the images that have to be fetched because the workflow names them as defaults."""
    defaults: dict[str, V | ImageUrl] = {
        field.name: ImageUrl(field.default)
        for field in schema
        if field.kind in (InputKind.IMAGE, InputKind.IMAGE_ALPHA) and isinstance(field.default, str)
    }
    return defaults | dict(checked)
