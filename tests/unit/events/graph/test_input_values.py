"""Which values fit an input of each kind, and what becomes of them."""

from base64 import b64encode
from random import randbytes
from typing import Any

import pytest

from events.errors import InvalidInputs
from events.graph.externals.classes import EXTERNALS
from events.graph.externals.values import (
    LONGEST_URL,
    TEXT_LIMIT,
    FileUrl,
    ImageBytes,
    ImageUrl,
    ModelUrl,
    Value,
)
from events.graph.inputs import InputField, check_inputs
from infra.translation import problem_text

PREFIX = "ComfyUIDeployExternal"


def field(kind: str, *, required: bool = False, **others: Any) -> InputField:
    return InputField(
        name="x",
        kind=EXTERNALS[PREFIX + kind].kind,
        class_type=PREFIX + kind,
        required=required,
        **others,
    )


SLIDER = field("NumberSlider", minimum=-1.0, maximum=2.0)

FITTING: list[tuple[InputField, object, Value]] = [
    (field("Text"), "", ""),
    (field("Text"), "一只猫", "一只猫"),
    (field("Text"), 5, "5"),
    (field("Text"), 0.5, "0.5"),
    (field("Text"), True, "true"),
    (field("Text"), "x" * TEXT_LIMIT, "x" * TEXT_LIMIT),
    (field("Number"), 0, 0.0),
    (field("Number"), -1.5, -1.5),
    (field("Number"), " 1e3 ", 1000.0),
    (field("Number"), "-.5", -0.5),
    (field("NumberInt"), 0, 0),
    (field("NumberInt"), 4.0, 4),
    (field("NumberInt"), "-3", -3),
    (field("NumberInt"), "+3", 3),
    (field("NumberInt"), 2**64 - 1, 2**64 - 1),
    (SLIDER, -1, -1.0),
    (SLIDER, "2", 2.0),
    (field("Boolean"), False, False),
    (field("Boolean"), "TRUE", True),
    (field("Boolean"), "No", False),
    (field("Boolean"), "0", False),
    (field("Boolean"), 1, True),
    (field("Lora"), "a/b.safetensors", "a/b.safetensors"),
    (field("Checkpoint"), "httpd.ckpt", "httpd.ckpt"),
    (
        field("Lora"),
        " https://a.example/b ",
        ModelUrl(url="https://a.example/b", class_type=PREFIX + "Lora"),
    ),
    (field("Audio"), "HTTP://a.example/b.mp3", FileUrl("HTTP://a.example/b.mp3")),
    (field("Audio"), "song.mp3", "song.mp3"),
    (field("Enum", options=("a", "2")), 2, "2"),
    (field("Enum"), "anything", "anything"),
    (field("NumberSliderInt", minimum=0, maximum=10), "7", 7),
    (field("Seed", minimum=1, maximum=9), 9, 9),
    (field("Seed", minimum=1, maximum=9), "-1", -1),
    (field("Image"), "data:image/png;base64,aGk=", ImageBytes(b"hi")),
    (field("Image"), "DATA:image/x;name=y;BASE64,aGk=", ImageBytes(b"hi")),
    (field("Image"), "https://a.example/b?c=d", ImageUrl("https://a.example/b?c=d")),
    (field("ImageAlpha"), " HTTP://a.example/b ", ImageUrl("HTTP://a.example/b")),
]

UNFIT: list[tuple[InputField, object, str]] = [
    (field("Text"), ["a"], "input_not_text"),
    (field("Text"), "x" * (TEXT_LIMIT + 1), "input_too_long"),
    (field("Number"), "", "input_not_number"),
    (field("Number"), True, "input_not_number"),
    (field("Number"), "nan", "input_not_number"),
    (field("Number"), "1e999", "input_not_number"),
    (field("Number"), "1_000", "input_not_number"),
    (field("Number"), "٣", "input_not_number"),
    (field("Number"), float("inf"), "input_not_number"),
    (field("Number"), 10**400, "input_not_number"),
    (field("Number"), {}, "input_not_number"),
    (field("NumberInt"), True, "input_not_integer"),
    (field("NumberInt"), 1.5, "input_not_integer"),
    (field("NumberInt"), "1.5", "input_not_integer"),
    (field("NumberInt"), "--3", "input_not_integer"),
    (field("NumberInt"), float("nan"), "input_not_integer"),
    (field("NumberInt"), "9" * 5000, "input_not_integer"),
    (field("NumberInt"), 2**64, "input_out_of_range"),
    (field("NumberInt"), 1e300, "input_out_of_range"),
    (SLIDER, 2.01, "input_out_of_range"),
    (SLIDER, "-1.01", "input_out_of_range"),
    (field("Boolean"), 2, "input_not_boolean"),
    (field("Boolean"), 1.0, "input_not_boolean"),
    (field("Boolean"), "maybe", "input_not_boolean"),
    (field("Lora"), " ", "input_not_file_name"),
    (field("Lora"), 3, "input_not_file_name"),
    (field("Lora"), "https://a b/c.safetensors", "input_not_file_name"),
    (field("Checkpoint"), "https://a.example/" + "x" * LONGEST_URL, "input_too_long"),
    (field("Audio"), "", "input_not_file"),
    (field("Video"), "http://", "input_not_file"),
    (field("File"), ["https://a.example/b"], "input_not_file"),
    (field("ImageBatch"), "cat.png", "input_not_images"),
    (field("ImageBatch"), "[]", "input_not_images"),
    (field("ImageBatch"), [], "input_not_images"),
    (field("ImageBatch"), ["cat.png"], "input_not_image"),
    (field("ImageBatch"), ["https://a.example/b.png"] * 101, "input_too_many_images"),
    (field("Enum", options=("a", "b")), "c", "input_not_an_option"),
    (field("NumberSliderInt", minimum=0, maximum=10), 11, "input_out_of_range"),
    (field("NumberSliderInt", minimum=0, maximum=10), 2.5, "input_not_integer"),
    (field("Seed", minimum=1, maximum=9), 0, "input_out_of_range"),
    (field("Seed", minimum=1, maximum=9), 10, "input_out_of_range"),
    (field("Image"), "cat.png", "input_not_image"),
    (field("Image"), "ftp://a.example/cat.png", "input_not_image"),
    (field("Image"), "https://", "input_not_image"),
    (field("Image"), "https://[::1", "input_not_image"),
    (field("Image"), "https://a.example/a b", "input_not_image"),
    (field("Image"), 7, "input_not_image"),
    (field("Image"), "data:text/html;base64,aGk=", "input_not_image"),
    (field("Image"), "data:image/png,aGk=", "input_not_image"),
    (field("Image"), "data:image/png;base64,aGk", "input_bad_base64"),
    (field("Image"), "data:image/png;base64,a Gk=", "input_bad_base64"),
    (field("Image"), "data:image/png;base64,猫", "input_bad_base64"),
    (field("Image"), "data:image/png;base64,", "input_bad_base64"),
]


@pytest.mark.parametrize(("schema", "sent", "value"), FITTING)
def test_a_value_that_fits_is_converted(schema: InputField, sent: object, value: Value) -> None:
    checked = check_inputs([schema], {"x": sent})
    assert checked == {"x": value}
    assert type(checked["x"]) is type(value)


@pytest.mark.parametrize(("schema", "sent", "code"), UNFIT)
def test_a_value_that_does_not_fit_is_refused_by_name(
    schema: InputField, sent: object, code: str
) -> None:
    with pytest.raises(InvalidInputs) as refusal:
        check_inputs([schema], {"x": sent})
    (problem,) = refusal.value.problems
    assert (problem.code, problem.pointer, problem.params["name"]) == (code, "/inputs/x", "x")
    assert "'x'" in problem.text()
    assert "“x”" in problem_text(problem, "zh")


PIECE = 256 * 1024


@pytest.mark.parametrize("size", [1, 2, 3, PIECE, PIECE * 3 // 4, PIECE * 3 // 4 + 1, 3 * PIECE])
def test_base64_of_any_length_is_decoded_as_if_it_were_one_piece(size: int) -> None:
    data = randbytes(size)
    assert convert(field("Image"), _uri(b64encode(data).decode())) == ImageBytes(data)


@pytest.mark.parametrize("padding", ["=", "=="])
def test_padding_has_its_place_at_the_end_only(padding: str) -> None:
    whole = "A" * (PIECE - len(padding)) + padding + "AAAA"
    with pytest.raises(InvalidInputs) as refusal:
        convert(field("Image"), _uri(whole))
    assert [p.code for p in refusal.value.problems] == ["input_bad_base64"]


def convert(schema: InputField, sent: object) -> Value:
    return check_inputs([schema], {"x": sent})["x"]


def _uri(payload: str) -> str:
    return f"data:image/png;base64,{payload}"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("Text", "input_too_long"),
        ("Number", "input_not_number"),
        ("NumberInt", "input_not_integer"),
        ("Boolean", "input_not_boolean"),
        ("Lora", "input_too_long"),
        ("Image", "input_too_long"),
    ],
)
def test_a_value_that_is_far_too_long_is_not_looked_through(kind: str, code: str) -> None:
    digits, spaces = "1" * (TEXT_LIMIT + 1), " " * TEXT_LIMIT + "1"
    for value in (digits, spaces, "https://e.com/".ljust(TEXT_LIMIT + 1, "a")):
        with pytest.raises(InvalidInputs) as refusal:
            convert(field(kind), value)
        assert [p.code for p in refusal.value.problems] == [code]
