"""Inputs as they are typed."""

from pathlib import Path

import pytest

from app.cli.client.inputs import read_inputs, read_objects
from app.cli.errors import AWAY, NO_ACCESS, NOT_FOUND, REFUSED, CommandError, exit_code


def test_a_pair_is_text_json_or_a_file(tmp_path: Path) -> None:
    image = tmp_path / "dot.png"
    image.write_bytes(b"\x89PNG")
    given = ("a=b=c", "n:=3", "list:=[1, 2]", f"picture=@{image}", "empty=")
    assert read_inputs(given, None) == {
        "a": "b=c",
        "n": 3,
        "list": [1, 2],
        "picture": "data:image/png;base64,iVBORw==",
        "empty": "",
    }


def test_pairs_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "inputs.json"
    file.write_text('{"a": 1, "b": 2}')
    assert read_inputs(("b:=3",), str(file)) == {"a": 1, "b": 3}


@pytest.mark.parametrize("pair", ["nothing", "=value", ":=3", "n:=three", "p=@/no/such/file"])
def test_what_is_no_input_is_refused_by_name(pair: str) -> None:
    with pytest.raises(CommandError) as refused:
        read_inputs((pair,), None)
    assert str(refused.value)


@pytest.mark.parametrize("content", ["[1]", "{", ""])
def test_a_file_that_holds_no_object_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "inputs.json"
    file.write_text(content)
    with pytest.raises(CommandError, match=r"inputs\.json"):
        read_inputs((), str(file))


def test_lines_are_objects(tmp_path: Path) -> None:
    file = tmp_path / "inputs.jsonl"
    file.write_text('{"a": 1}\n{"a": 2}\n')
    assert read_objects(str(file)) == [{"a": 1}, {"a": 2}]
    file.write_text('{"a": 1}\n3\n')
    with pytest.raises(CommandError):
        read_objects(str(file))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, NO_ACCESS),
        (403, NO_ACCESS),
        (404, NOT_FOUND),
        (400, REFUSED),
        (409, REFUSED),
        (422, REFUSED),
        (429, AWAY),
        (500, AWAY),
        (503, AWAY),
    ],
)
def test_exit_codes_tell_scripts_what_to_do(status: int, code: int) -> None:
    assert exit_code(status) == code
