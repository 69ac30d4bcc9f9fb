"""Parts and versions of a file: what a Range header and its conditions ask for."""

import pytest

from app.http.byte_ranges import RangeNotSatisfiable, continues, is_known, span_in
from infra.s3.port import Span

SIZE = 10


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=2-5", 2, 5),
        ("bytes=0-", 0, 9),
        ("bytes=9-", 9, 9),
        ("bytes=4-99999999", 4, 9),
        ("bytes=-3", 7, 9),
        ("bytes=-99", 0, 9),
        ("Bytes= 2-5 ", 2, 5),
    ],
)
def test_one_range_is_a_part_of_the_file(header: str, first: int, last: int) -> None:
    assert span_in(header, SIZE) == Span(first=first, last=last)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-2",
        "bytes=12-11",
        "bytes=0-1,4-5",
        "bytes=-1,-2",
        "items=0-1",
        "bytes=٣-",
        f"bytes=0-{'9' * 40}",
    ],
)
def test_what_is_no_single_range_is_passed_over(header: str) -> None:
    assert span_in(header, SIZE) is None


@pytest.mark.parametrize(
    ("header", "size"),
    [("bytes=10-", 10), ("bytes=10-20", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=0-0", 0)],
)
def test_a_range_behind_the_end_cannot_be_had(header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable) as refused:
        span_in(header, size)
    assert refused.value.size == size


def test_the_end_of_an_empty_file_is_all_of_it() -> None:
    assert span_in("bytes=-5", 0) is None


@pytest.mark.parametrize("known", ['"a"', 'W/"a"', '"b", "a"', '"b",W/"a"', "*", " * "])
def test_a_known_version_need_not_be_sent(known: str) -> None:
    assert is_known(known, '"a"')


@pytest.mark.parametrize("known", ["", '"b"', "a", '"aa"', '"a', 'W/"b", "c"'])
def test_another_version_is_sent(known: str) -> None:
    assert not is_known(known, '"a"')


@pytest.mark.parametrize("if_range", ["", '"a"', ' "a" '])
def test_a_part_is_joined_to_a_part_of_the_same_version(if_range: str) -> None:
    assert continues(if_range, '"a"')


@pytest.mark.parametrize("if_range", ['"b"', 'W/"a"', "Mon, 30 Nov 2026 11:00:00 GMT"])
def test_a_part_is_not_joined_to_what_may_be_another_version(if_range: str) -> None:
    assert not continues(if_range, '"a"')
