"""How much a body may hold: counted exactly, whatever is in its strings."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import json_checks
from events.json_checks import BodyTooComplex, check_complexity

Json = Any


def counted(value: Json) -> tuple[int, int]:
    """Count separators and containers of a value by hand."""
    if not isinstance(value, dict | list):
        return 0, 0
    separators = max(len(value), 1) + (len(value) if isinstance(value, dict) else 0)
    inner = [counted(item) for item in (value.values() if isinstance(value, dict) else value)]
    return separators + sum(s for s, _ in inner), 1 + sum(c for _, c in inner)


TEXTS = st.text(alphabet=st.sampled_from('a,:[]{}"\\é'), max_size=12)
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def is_taken(body: bytes) -> bool:
    try:
        check_complexity(body)
    except BodyTooComplex:
        return False
    return True


@given(VALUES, st.booleans())
def test_values_are_counted_outside_of_strings_only(value: Json, ascii_only: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    separators, containers = counted(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_checks, "MOST_CONTAINERS", containers)
        assert is_taken(body)
        patch.setattr(json_checks, "MOST_CONTAINERS", containers - 1)
        assert not (containers and is_taken(body))
        patch.setattr(json_checks, "MOST_CONTAINERS", containers)
        patch.setattr(json_checks, "MOST_VALUES", separators - 1)
        assert not (separators and is_taken(body))


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"[]," * 200_000 + b"[]]",
        b"[" + b"1," * 500_000 + b"1]",
        b'["' + b'","' * 500_000 + b'"]',
        b"{" + b'"a":1,' * 300_000 + b'"a":1}',
        b'""' * 500_001,
        b'"' + b'\\"' * 500_001 + b'"',
        b"[" * 300_000,
        b" " * (16 * 1024 * 1024 + 1),
        b"1" * (16 * 1024 * 1024 + 1),
        b'{"' + b"n" * 65_536 + b'":1}',
        b'{"' + b"n" * 65_536 + b'" \n\t :1}',
    ],
    ids=lambda body: f"{body!r:.12}",
)
def test_too_much_is_refused(body: bytes) -> None:
    assert not is_taken(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"a":"' + b"," * 2_000_000 + b'"}',
        b'{"a":"' + b"A" * (20 * 1024 * 1024) + b'"}',
        b'{"a":"' + b"\\\\" * 2_000_000 + b'","b":[]}',
        b'{"a":"never ends',
    ],
    ids=lambda body: f"{body!r:.12}",
)
def test_long_strings_are_taken_whatever_is_in_them(body: bytes) -> None:
    assert is_taken(body)


@pytest.mark.parametrize("backslashes", [1, 2, 15, 16, 17, 63, 64, 65, 1000, 300_000, 300_001])
def test_a_string_ends_at_the_first_quote_that_is_not_escaped(backslashes: int) -> None:
    """A miscounted run of backslashes would turn strings and values around."""
    start = b'["' + b"\\" * backslashes + b'"'
    hidden = b"," * 600_000
    ends_there = backslashes % 2 == 0
    assert is_taken(start + hidden + b'"]') is not ends_there
