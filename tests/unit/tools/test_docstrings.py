"""The check of docstrings finds what it should, and nothing else."""

import pytest

from tests.tools.docstrings import PEOPLE, ROOT, STORIES, faults


@pytest.mark.parametrize(
    "text",
    [
        "Give a run.",
        "Tells whether it is over.",
        "Say why.",
        "Lets runs in.",
        "Refuse whoever asks.",
    ],
)
@pytest.mark.parametrize("head", ["", "class Run:\n    ", "async def run():\n    "])
def test_a_docstring_that_is_not_plain_is_found(head: str, text: str) -> None:
    source = f'{head}"""{text}"""\n'
    assert list(faults(source)) == [(source.count("\n"), text)]


@pytest.mark.parametrize("text", ["Return a run.", "Letters of a word.", "Telling is no problem."])
def test_a_plain_docstring_is_none(text: str) -> None:
    assert list(faults(f'def run():\n    """{text}\n\n    Give: no opening.\n    """\n')) == []


def test_a_description_of_a_field_is_read_as_well() -> None:
    plain, other = "Seconds until the end.", "Tell how many, and do nothing."
    for text, found in ((plain, []), (other, [(1, other)])):
        assert list(faults(f'x: Annotated[int, Meta(ge=1, description="{text}")] = 0\n')) == found


def test_a_subject_that_hides_who_acts_is_found_in_finished_rooms() -> None:
    source = '"""Raise what nobody foresaw."""\n'
    assert list(faults(source)) == []
    assert list(faults(source, PEOPLE)) == [(1, "Raise what nobody foresaw.")]
    assert list(faults('"""Open it to the account `nobody`."""\n', PEOPLE)) == []


def test_the_rooms_that_are_exempt_are_there() -> None:
    assert [path for path in STORIES if not (ROOT / path).exists()] == []
