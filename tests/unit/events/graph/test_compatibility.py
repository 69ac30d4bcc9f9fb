"""What callers notice of another version: what is narrower or gone, never what is wider."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.errors import InvalidInputs, Problem
from events.graph.compatibility import incompatibilities
from events.graph.externals.classes import EXTERNALS, InputKind
from events.graph.inputs import InputField, check_inputs
from events.messages import CATALOGUE
from events.messages.texts import LANGUAGES
from infra.translation import problem_text

_CLASSES = {external.kind: name for name, external in EXTERNALS.items()}


def field(kind: str = "text", name: str = "x", **changes: Any) -> InputField:
    facts: dict[str, Any] = {"required": False, "default": None} | changes
    known = InputKind(kind)
    return InputField(name=name, kind=known, class_type=_CLASSES[known], **facts)


def codes(before: list[InputField], after: list[InputField]) -> list[str]:
    return [problem.code for problem in incompatibilities(before, after)]


def test_the_same_inputs_hinder_nobody() -> None:
    fields = [field(), field("slider", "y", minimum=0.0, maximum=1.0), field(name="z")]
    assert codes(fields, fields[::-1]) == []


def test_an_input_that_is_gone_is_noticed() -> None:
    assert incompatibilities([field(name="a/b"), field()], [field()]) == (
        Problem(code="input_removed", pointer="/inputs/a~1b", params={"name": "a/b"}),
    )


def test_another_type_is_noticed() -> None:
    assert incompatibilities([field("number")], [field("integer")]) == (
        Problem(
            code="input_retyped",
            pointer="/inputs/x",
            params={"name": "x", "before": "number", "after": "integer"},
        ),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("integer", "number"),
        ("slider", "number"),
        ("image", "image_alpha"),
        ("image_alpha", "image"),
    ],
)
def test_a_type_that_takes_the_same_and_means_the_same_hinders_nobody(
    before: str, after: str
) -> None:
    assert codes([field(before)], [field(after)]) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [("text", "number"), ("number", "text"), ("lora", "checkpoint"), ("text", "image")],
)
def test_a_type_that_takes_or_means_something_else_is_noticed(before: str, after: str) -> None:
    assert codes([field(before)], [field(after)]) == ["input_retyped"]


def test_a_default_that_is_gone_is_noticed() -> None:
    before, after = field(default="a cat"), field(required=True)
    assert incompatibilities([before], [after]) == (
        Problem(code="input_newly_required", pointer="/inputs/x", params={"name": "x"}),
    )
    assert codes([after], [before]) == []


def test_a_new_input_is_noticed_only_if_it_must_be_sent() -> None:
    assert codes([], [field(required=True), field(name="y")]) == ["input_newly_required"]


BOUNDS = [
    ((0.0, 1.0), (0.0, 0.5), True),
    ((0.0, 1.0), (0.5, 1.0), True),
    ((None, None), (0.0, None), True),
    ((None, None), (None, 1.0), True),
    ((0.0, 1.0), (0.0, 1.0), False),
    ((0.0, 1.0), (-1.0, 2.0), False),
    ((0.0, 1.0), (None, None), False),
]


@pytest.mark.parametrize(("before", "after", "noticed"), BOUNDS)
def test_narrower_bounds_are_noticed_and_wider_ones_are_not(
    before: tuple[float, float], after: tuple[float, float], *, noticed: bool
) -> None:
    old, new = (field("slider", minimum=low, maximum=high) for low, high in (before, after))
    assert codes([old], [new]) == (["input_narrowed"] if noticed else [])


def test_bounds_where_there_were_none_narrow_a_number() -> None:
    [problem] = incompatibilities([field("number")], [field("slider", minimum=0.0, maximum=1.5)])
    assert problem.params == {"name": "x", "before": "-∞ … ∞", "after": "0 … 1.5"}


def test_everything_is_told_in_the_order_of_the_inputs_and_can_be_said() -> None:
    before = [field("slider", "a", minimum=0.0, maximum=9.0), field(name="b"), field(name="c")]
    after = [
        field(name="new", required=True),
        field("boolean", "c", required=True),
        field("slider", "a", minimum=1.0, maximum=9.0),
    ]

    problems = incompatibilities(before, after)

    assert [(p.code, p.pointer) for p in problems] == [
        ("input_narrowed", "/inputs/a"),
        ("input_removed", "/inputs/b"),
        ("input_retyped", "/inputs/c"),
        ("input_newly_required", "/inputs/c"),
        ("input_newly_required", "/inputs/new"),
    ]
    assert {p.code for p in problems} <= CATALOGUE.keys()
    for problem in problems:
        assert len({problem_text(problem, language) for language in LANGUAGES}) == len(LANGUAGES)


BOUND = st.none() | st.floats(-5, 5)
FIELDS = st.builds(
    lambda kind, required, low, high: field(kind, required=required, minimum=low, maximum=high),
    st.sampled_from(list(InputKind)),
    st.booleans(),
    BOUND,
    BOUND,
)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-10, 10)
    | st.floats(-10, 10)
    | st.sampled_from(["", "5", " 5.5 ", "1e1", "yes", "http://a.example/b.png", "a.safetensors"])
)


@given(before=FIELDS, after=FIELDS, value=VALUES)
def test_where_nothing_is_noticed_whatever_was_taken_is_taken(
    before: InputField, after: InputField, value: object
) -> None:
    if incompatibilities([before], [after]):
        return
    for inputs in ({"x": value}, {}):
        if _takes(before, inputs):
            assert _takes(after, inputs)


def _takes(of: InputField, inputs: dict[str, object]) -> bool:
    try:
        check_inputs([of], inputs)
    except InvalidInputs:
        return False
    return True
