"""Our reading of NATS headers gives what nats-py's own gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.jetstream.connection import Client

ODD = [
    b"",
    b"a: b\r\nc:d\r\n\r\n",
    b"Name:\tvalue\r\n",
    b" spaced name : x\r\n",
    b"no colon\r\n",
    b": no name\r\n",
    b"bad\xff: x\r\n",
    b"value: \xff\xfe\r\n",
    b"twice: 1\r\ntwice: 2\r\n",
    "中文: 是\r\nok: 中文\r\n".encode(),
    b"colons: a:b:c\r\n",
]


@pytest.mark.parametrize("raw", ODD)
def test_odd_headers_are_read_as_the_library_reads_them(raw: bytes) -> None:
    assert Client._parse_header_lines(raw) == Client._parse_header_lines(raw)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_the_library_reads_them(raw: bytes) -> None:
    assert Client._parse_header_lines(raw) == Client._parse_header_lines(raw)
