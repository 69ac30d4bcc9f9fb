"""The schema of a workflow's inputs says exactly what the API takes of each type."""

from base64 import b64encode
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.v1.deployments.input_schemas import Models, inputs_schema, sample_inputs
from events.errors import InvalidInputs
from events.graph.externals.classes import EXTERNALS, InputKind
from events.graph.externals.values import INTEGER_RANGE, TEXT_LIMIT
from events.graph.inputs import InputField, check_inputs

Json = dict[str, Any]
_CLASSES = {external.kind: name for name, external in EXTERNALS.items()}
ALL_KINDS = pytest.mark.parametrize("kind", list(InputKind))
IMAGES = {InputKind.IMAGE, InputKind.IMAGE_ALPHA}


def field(kind: InputKind, name: str = "x", **changes: Any) -> InputField:
    facts: dict[str, Any] = {"required": True} | changes
    return InputField(name=name, kind=kind, class_type=_CLASSES[kind], **facts)


def property_of(one: InputField, models: Models | None = None) -> Json:
    schema: Json = inputs_schema([one], models or Models())["properties"][one.name]
    return schema


def fits(fields: list[InputField], inputs: Json) -> bool:
    """Ask the schema."""
    schema = inputs_schema(fields, Models())
    return bool(jsonschema_rs.Draft202012Validator(schema).is_valid(inputs))


def is_taken(fields: list[InputField], inputs: Json) -> bool:
    """Ask the API's own rule."""
    try:
        check_inputs(fields, inputs)
    except InvalidInputs:
        return False
    return True


def test_inputs_have_their_bounds_defaults_and_words() -> None:
    fields = [
        field(
            InputKind.SLIDER,
            "strength",
            required=False,
            default=0.5,
            minimum=0.25,
            maximum=1.0,
            display_name="Strength",
            description="How much of it",
        ),
        field(InputKind.BOOLEAN, "upscale"),
    ]
    assert inputs_schema(fields, Models()) == {
        "type": "object",
        "description": "Of an input that is left out, the default counts.",
        "properties": {
            "strength": {
                "type": "number",
                "minimum": 0.25,
                "maximum": 1.0,
                "title": "Strength",
                "description": "How much of it",
                "default": 0.5,
            },
            "upscale": {"type": "boolean"},
        },
        "required": ["upscale"],
        "additionalProperties": False,
    }


@ALL_KINDS
def test_every_kind_gives_a_schema_and_a_sample_that_fits_it(kind: InputKind) -> None:
    one = field(kind)
    jsonschema_rs.meta.validate(inputs_schema([one], Models()))

    sample = sample_inputs([one], Models())

    assert sample.keys() == {"x"}
    assert fits([one], sample)
    assert is_taken([one], sample)


def test_a_sample_needs_nothing_from_elsewhere() -> None:
    by_link = field(InputKind.NUMBER, "linked", required=False)
    by_url = field(InputKind.IMAGE, "url", required=False, default="https://a.example/b.png")
    text = field(InputKind.TEXT, "text", required=False, default="")
    assert sample_inputs([by_link, by_url, text], Models()) == {"text": ""}


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 1.0, 0.5), (-3.0, -1.0, -2.0), (None, 0.0, 0.0), (0.0, None, 0.0), (None, None, 1.0)],
)
def test_a_sample_lies_within_the_bounds(
    low: float | None, high: float | None, expected: float
) -> None:
    one = field(InputKind.SLIDER, minimum=low, maximum=high)
    assert sample_inputs([one], Models()) == {"x": expected}


@pytest.mark.parametrize("kind", [InputKind.CHECKPOINT, InputKind.LORA])
def test_a_machine_that_downloads_models_takes_urls_beside_its_files(kind: InputKind) -> None:
    models = Models({kind: ["a.safetensors"]}, downloaded=frozenset({kind}))
    url = "https://a.example/b.safetensors"
    default = field(kind, required=False, default=url)
    schema = inputs_schema([default], models)
    valid = jsonschema_rs.Draft202012Validator(schema).is_valid

    assert valid({"x": "a.safetensors"})
    assert valid({"x": url})
    assert not valid({"x": "b.safetensors"})
    assert (schema["required"], schema["properties"]["x"]["default"]) == ([], url)
    assert sample_inputs([default], models) == {"x": url}
    assert sample_inputs([field(kind)], models) == {"x": "a.safetensors"}
    elsewhere = Models({kind: ["a.safetensors"]})
    assert inputs_schema([default], elsewhere)["required"] == ["x"], "no node downloads it"


@pytest.mark.parametrize("kind", [InputKind.CHECKPOINT, InputKind.LORA])
def test_files_of_the_machine_are_the_options(kind: InputKind) -> None:
    models = Models({kind: ["a.safetensors", "b.ckpt"]})
    default = field(kind, required=False, default="b.ckpt")
    gone = field(kind, required=False, default="gone.ckpt")

    assert property_of(default, models)["enum"] == ["a.safetensors", "b.ckpt"]
    assert sample_inputs([default], models) == {"x": "b.ckpt"}
    assert property_of(default, models)["default"] == "b.ckpt"
    assert sample_inputs([gone], models) == {"x": "a.safetensors"}
    assert "default" not in property_of(gone, models)
    assert inputs_schema([default], models)["required"] == []
    assert inputs_schema([gone], models)["required"] == ["x"], "without it the run would fail"
    empty = Models({kind: []})
    assert "enum" not in property_of(default, empty)
    assert "default" not in property_of(default, empty)
    assert inputs_schema([default], empty)["required"] == ["x"], "an empty folder has no file"
    assert inputs_schema([default], Models())["required"] == [], "of the folder nothing is known"
    assert "enum" not in property_of(default)


def test_an_input_that_is_not_there_is_refused_by_both_and_a_missing_one_as_well() -> None:
    fields = [field(InputKind.TEXT), field(InputKind.TEXT, "y", required=False, default="")]
    for inputs, expected in (
        ({"x": "a"}, True),
        ({"x": "a", "y": "b"}, True),
        ({"y": "b"}, False),
        ({"x": "a", "z": "b"}, False),
    ):
        assert (fits(fields, inputs), is_taken(fields, inputs)) == (expected, expected)


PLAIN = st.text("abcABC019 ./:\\-_é猫", max_size=20)
URLS = st.sampled_from(
    ["http://a.example", "HTTPS://a.example/b.png?c=d", "http://", "https://a b", " http://a/x"]
)
DATA = st.binary(max_size=9).map(lambda data: b64encode(data).decode())
DATA_URIS = st.builds(
    "data:{}{},{}".format,
    st.sampled_from(["image/png", "image/svg+xml", "text/plain", ""]),
    st.sampled_from([";base64", ""]),
    DATA | st.sampled_from(["AAA", "A===", "@@@@"]),
)
OF_THEIR_TYPE: dict[InputKind, st.SearchStrategy[Any]] = {
    InputKind.TEXT: PLAIN | st.just("x" * TEXT_LIMIT) | st.just("x" * (TEXT_LIMIT + 1)),
    InputKind.NUMBER: st.floats(allow_nan=False, allow_infinity=False) | st.integers(-99, 99),
    InputKind.SLIDER: st.floats(-3, 3) | st.integers(-3, 3),
    InputKind.INTEGER: (
        st.integers()
        | st.sampled_from([*INTEGER_RANGE, INTEGER_RANGE[0] - 1, INTEGER_RANGE[1] + 1])
        | st.floats(-9, 9)
    ),
    InputKind.BOOLEAN: st.booleans(),
    InputKind.INTEGER_SLIDER: st.integers(-3, 3) | st.floats(-3, 3),
    InputKind.SEED: st.integers(-3, 3) | st.integers(),
    InputKind.ENUM: PLAIN,
    **dict.fromkeys(
        (
            InputKind.CHECKPOINT,
            InputKind.LORA,
            InputKind.FACE_MODEL,
            InputKind.AUDIO,
            InputKind.VIDEO,
            InputKind.EXR,
            InputKind.FILE,
        ),
        PLAIN | URLS.map(str.strip),
    ),
    InputKind.IMAGES: st.lists(PLAIN | DATA_URIS | URLS.map(str.strip), max_size=3),
    InputKind.IMAGE: PLAIN | DATA_URIS | URLS.map(str.strip),
    InputKind.IMAGE_ALPHA: PLAIN | DATA_URIS | URLS.map(str.strip),
}
OF_NO_TYPE = st.lists(st.integers(), max_size=2) | st.dictionaries(PLAIN, PLAIN, max_size=2)
BOUND = st.none() | st.floats(-2, 2)


@given(data=st.data())
@ALL_KINDS
def test_what_the_schema_refuses_is_refused_and_what_it_takes_is_taken(
    kind: InputKind, data: st.DataObject
) -> None:
    # Of the type that the schema names; the API also reads numbers and booleans from texts.
    bounds: Json = {}
    if kind in {InputKind.SLIDER, InputKind.INTEGER_SLIDER, InputKind.SEED}:
        bounds = {"minimum": data.draw(BOUND), "maximum": data.draw(BOUND)}
    one = field(kind, **bounds)
    inputs = {"x": data.draw(OF_THEIR_TYPE[kind] | OF_NO_TYPE)}
    assert fits([one], inputs) is is_taken([one], inputs), inputs
