"""The inputs of a workflow: the schema a graph gives, and the values that fit it."""

from typing import Any

import msgspec
import pytest

from events.errors import MOST_PROBLEMS, InvalidInputs, Problem, shortened
from events.graph.externals.values import (
    ImageRef,
    ImageUrl,
    StoredValue,
)
from events.graph.inputs import InputField, InputKind, check_inputs, effective_values, input_schema
from infra.translation import problem_text

PREFIX = "ComfyUIDeployExternal"


def node(kind: str, name: str = "x", **inputs: object) -> dict[str, Any]:
    return {"class_type": PREFIX + kind, "inputs": {"input_id": name, **inputs}}


def test_all_problems_are_told_at_once_with_escaped_pointers() -> None:
    schema = input_schema(
        {"1": node("Number", "a/b~c"), "2": node("Boolean", "b"), "3": node("Text", "c")}
    )
    with pytest.raises(InvalidInputs) as refusal:
        check_inputs(schema, {"a/b~c": "many", "b": None, "c": "fine", "d": 1})
    known = {"name": "d", "known": "a/b~c, b, c"}
    assert refusal.value.problems == (
        Problem(code="input_unknown", pointer="/inputs/d", params=known),
        Problem(code="input_not_number", pointer="/inputs/a~1b~0c", params={"name": "a/b~c"}),
        Problem(code="input_required", pointer="/inputs/b", params={"name": "b"}),
    )


def test_at_most_a_hundred_problems_are_named_and_the_others_counted() -> None:
    schema = input_schema({str(n): node("Number", f"n{n}") for n in range(300)})
    with pytest.raises(InvalidInputs) as refusal:
        check_inputs(schema, {f"x{n}": n for n in range(1000)})

    *named, more = refusal.value.problems
    assert len(named) == MOST_PROBLEMS
    assert named[0].params["known"].endswith("n18, n19, …")
    assert more == Problem(code="more_problems", params={"count": "1200"})
    assert more.text() == "and 1200 more"
    assert problem_text(more, "zh") == "另有 1200 个问题"


def test_what_was_shortened_is_put_together_without_losing_count() -> None:
    one = shortened(Problem(code="input_required") for _ in range(150))
    assert len(shortened(one)) == MOST_PROBLEMS + 1
    assert shortened([*one, *one, *one])[-1].params == {"count": "350"}
    assert shortened([Problem(code="input_required")] * MOST_PROBLEMS)[-1].code == "input_required"


def test_an_input_that_is_absent_or_null_keeps_its_default() -> None:
    schema = input_schema(
        {"1": node("Number", "a", default_value=1), "2": node("Text", "b", default_value="")}
    )
    assert check_inputs(schema, {"a": None}) == {}


def test_the_schema_tells_name_kind_default_bounds_and_words() -> None:
    graph = {
        "1": node("Text", "prompt", default_value="a cat", display_name="Prompt", description="?"),
        "2": node("NumberSlider", "weight", default_value="0.5", min_value=0, max_value=2),
        "3": {"class_type": "SaveImage", "inputs": {}},
    }
    text, slider = PREFIX + "Text", PREFIX + "NumberSlider"
    assert input_schema(graph) == (
        InputField(
            name="prompt",
            kind=InputKind.TEXT,
            class_type=text,
            required=False,
            default="a cat",
            display_name="Prompt",
            description="?",
        ),
        InputField(
            name="weight",
            kind=InputKind.SLIDER,
            class_type=slider,
            required=False,
            default=0.5,
            minimum=0.0,
            maximum=2.0,
        ),
    )


@pytest.mark.parametrize(
    ("external", "required", "default"),
    [
        (node("Image"), True, None),
        (node("Image", default_value_url=""), True, None),
        (node("Image", default_value=["9", 0]), False, None),
        (node("Image", default_value_url="http://a/b"), False, "http://a/b"),
        (
            node("Image", default_value_url="http://a/b", default_value=["9", 0]),
            False,
            "http://a/b",
        ),
        (node("Text"), True, None),
        (node("Text", default_value=""), False, ""),
        (node("Text", default_value=["9", 0]), False, None),
        (node("NumberInt", default_value=0), False, 0),
        (node("NumberInt", default_value=""), True, None),
        (node("Boolean", default_value=False), False, False),
        (node("Boolean", default_value="false"), False, False),
        (node("Lora", default_lora_name="a.pt"), False, "a.pt"),
        (node("Lora", default_value="a.pt"), True, None),
        (node("Checkpoint", default_value="a.ckpt"), False, "a.ckpt"),
    ],
)
def test_an_input_is_required_unless_its_node_has_a_default(
    external: dict[str, Any], *, required: bool, default: object
) -> None:
    (found,) = input_schema({"1": external})
    assert (found.required, found.default) == (required, default)


def test_a_slider_without_bounds_takes_those_its_node_assumes() -> None:
    (found,) = input_schema({"1": node("NumberSlider", max_value=["9", 0])})
    assert (found.minimum, found.maximum) == (0.0, None)


def test_nodes_of_one_class_share_an_input_id_within_the_bounds_of_all() -> None:
    (found,) = input_schema(
        {
            "1": node("NumberSlider", default_value=1, min_value=0, max_value=5),
            "2": node("NumberSlider", min_value=1, max_value=9),
        }
    )
    assert (found.required, found.minimum, found.maximum) == (True, 1.0, 5.0)


def test_default_images_are_added_to_the_values_unless_another_is_given() -> None:
    schema = input_schema(
        {
            "1": node("Image", "a", default_value_url="http://a/b"),
            "2": node("ImageAlpha", "b", default_value_url="http://a/c"),
            "3": node("Text", "c", default_value="http://a/d"),
        }
    )
    given = ImageUrl("http://e/f")
    assert effective_values(schema, {"b": given}) == {"a": ImageUrl("http://a/b"), "b": given}


def test_values_and_fields_survive_being_stored() -> None:
    values: dict[str, StoredValue] = {
        "a": 5.0,
        "b": 5,
        "c": True,
        "d": "5",
        "e": ImageUrl("http://a/b"),
        "f": ImageRef(key="k", sha256="s", media_type="image/png", width=1, height=2),
    }
    stored = msgspec.json.encode(values)
    read = msgspec.json.decode(stored, type=dict[str, StoredValue])
    assert read == values
    assert [type(v) for v in read.values()] == [type(v) for v in values.values()]
    schema = input_schema({"1": node("NumberSlider", "w", default_value=1, description="?")})
    stored = msgspec.json.encode(schema)
    assert msgspec.json.decode(stored, type=tuple[InputField, ...]) == schema
