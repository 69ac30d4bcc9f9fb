"""A stream notices every copy that was lost, wherever in a batch it is missing."""

from app.api.v1.sse import _has_gap
from app.hub import Frame


def frame(position: int, previous: int) -> Frame:
    return Frame(position=position, previous=previous, data=b"", ends=False)


def test_copies_that_follow_each_other_have_no_gap() -> None:
    assert not _has_gap([frame(5, 4), frame(7, 5), frame(9, 7)], 4)


def test_copies_that_were_sent_before_are_no_gap() -> None:
    assert not _has_gap([frame(3, 2), frame(4, 3), frame(5, 4)], 4)


def test_a_copy_missing_before_the_first_is_a_gap() -> None:
    assert _has_gap([frame(9, 7)], 4)


def test_a_copy_missing_inside_a_batch_is_a_gap() -> None:
    assert _has_gap([frame(5, 4), frame(9, 7)], 4)
