"""What callers notice when another version of a workflow takes the place of theirs."""

from collections.abc import Iterator, Mapping, Sequence

from events.errors import Problem
from events.graph.externals.classes import IMAGE_KINDS, InputKind
from events.graph.inputs import InputField
from events.graph.nodes import pointer

_SHOWN = 300
"""Characters of a list of options that a message shows."""

_INTEGERS = frozenset({InputKind.INTEGER, InputKind.INTEGER_SLIDER})
_NUMBERS = frozenset({InputKind.NUMBER, InputKind.SLIDER, *_INTEGERS})

_TAKES_ALSO: Mapping[InputKind, frozenset[InputKind]] = {
    InputKind.NUMBER: _NUMBERS,
    InputKind.SLIDER: _NUMBERS,
    InputKind.INTEGER: _INTEGERS,
    InputKind.INTEGER_SLIDER: _INTEGERS,
    InputKind.TEXT: frozenset({InputKind.TEXT, InputKind.ENUM}),
    InputKind.IMAGE: IMAGE_KINDS,
    InputKind.IMAGE_ALPHA: IMAGE_KINDS,
}
"""The kinds whose values another kind takes, and means the same by; every kind takes its own.

A seed takes none but its own: -1 is chance to it, and a number to others.
"""


def incompatibilities(
    before: Sequence[InputField], after: Sequence[InputField]
) -> tuple[Problem, ...]:
    """List what would hinder a caller who knows only *before*; what is wider hinders none.

    Each problem points at an input as callers send it.
    """
    known, now = ({field.name: field for field in fields} for fields in (before, after))
    found = [problem for old in before for problem in _noticed(old, now.get(old.name))]
    new_ones = (field for field in after if field.name not in known)
    found += [_problem("input_newly_required", new.name) for new in new_ones if new.required]
    return tuple(found)


def _noticed(old: InputField, new: InputField | None) -> Iterator[Problem]:
    if new is None:
        yield _problem("input_removed", old.name)
        return
    if old.kind not in _TAKES_ALSO.get(new.kind, {new.kind}):
        yield _problem("input_retyped", old.name, before=str(old.kind), after=str(new.kind))
    elif _narrower(old, new):
        yield _problem("input_narrowed", old.name, before=_range(old), after=_range(new))
    if new.required and not old.required:
        yield _problem("input_newly_required", old.name)


def _narrower(old: InputField, new: InputField) -> bool:
    higher = new.minimum is not None and (old.minimum is None or new.minimum > old.minimum)
    lower = new.maximum is not None and (old.maximum is None or new.maximum < old.maximum)
    return higher or lower or _fewer(old, new)


def _fewer(old: InputField, new: InputField) -> bool:
    options = frozenset(new.options or ())
    return bool(options) and not (old.options and options.issuperset(old.options))


def _range(field: InputField) -> str:
    if field.options:
        return ", ".join(field.options)[:_SHOWN]
    if field.kind is InputKind.ENUM:
        return "…"
    low = "-∞" if field.minimum is None else f"{field.minimum:g}"
    high = "∞" if field.maximum is None else f"{field.maximum:g}"
    return f"{low} … {high}"


def _problem(code: str, name: str, **params: str) -> Problem:
    return Problem(code=code, pointer=pointer("inputs", name), params={"name": name, **params})
