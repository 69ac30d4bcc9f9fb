"""The hash of a request is stored with its run: however it is worked out, it stays the same."""

import hashlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commands.request_hash import is_large, request_hash_of
from infra.offload import SMALL

LONG = 'é"\\\n漢😀' * (SMALL // 3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.just(LONG),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_in_pieces_it_is_what_it_would_be_in_one(request: dict[str, Any]) -> None:
    whole = msgspec.json.encode(request, order="deterministic")
    assert request_hash_of(request) == hashlib.sha256(whole).hexdigest()


@pytest.mark.parametrize(
    ("inputs", "large"),
    [
        ({}, False),
        ({"a": 1, "b": "x" * 1000, "c": None}, False),
        ({"a": "x" * SMALL}, True),
        ({str(n): "x" * 100 for n in range(1000)}, True),
        ({"a": [1]}, True),
        ({"a": {}}, True),
    ],
    ids=["none", "few", "long", "many", "array", "object"],
)
def test_large_inputs_are_known_without_reading_them(inputs: dict[str, Any], large: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    assert is_large(inputs) is large
