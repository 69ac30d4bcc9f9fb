"""What clients send beside the body: read strictly, or as a wish where it is one."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import msgspec
import pytest

from app.api.requests import (
    LONGEST_KEY,
    LONGEST_WAIT,
    idempotency_key,
    identifier,
    moment_in,
    position_in,
    preferred_wait,
)
from app.api.v1.deployments.routes import environment
from app.api.v1.machines.requests import RegisterMachineRequest
from app.api.v1.paging import before_of, cursor_of
from app.api.v1.workflows.routes import PushVersionRequest
from app.http.bad_request import BadRequest
from events.errors import NotFound, Problem
from tests.builders.facts import RUN_ID


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (None, None),
        ("abc", "abc"),
        ('"abc"', "abc"),
        (" abc ", "abc"),
        ("a b", "a b"),
        ("k" * LONGEST_KEY, "k" * LONGEST_KEY),
    ],
)
def test_an_idempotency_key_is_taken_with_and_without_quotes(
    header: str | None, key: str | None
) -> None:
    assert idempotency_key(header) == key


@pytest.mark.parametrize("header", ["", " ", '""', "k" * (LONGEST_KEY + 1), "a\x00b", "a\tb"])
def test_a_key_that_nobody_can_repeat_is_refused(header: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        idempotency_key(header)
    assert refusal.value.problems[0] == Problem(
        code="bad_idempotency_key", params={"limit": str(LONGEST_KEY)}
    )


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("wait=5", 5),
        ("Wait = 5", 5),
        ("respond-async, wait=10", 10),
        ("wait=100000", LONGEST_WAIT),
        ("wait=0", 0),
        ("wait", 0),
        ("wait=", 0),
        ("wait=-1", 0),
        ("wait=1.5", 0),
        ("wait=soon", 0),
        ("wait=²", 0),
        ("wait=" + "9" * 5000, LONGEST_WAIT),
        ("waiting=5", 0),
    ],
)
def test_a_preference_is_followed_as_far_as_it_makes_sense(
    header: str | None, seconds: int
) -> None:
    assert preferred_wait(header) == seconds


@pytest.mark.parametrize(
    ("text", "position"), [(None, None), ("", None), ("0", 0), ("42", 42), ("9" * 18, 10**18 - 1)]
)
def test_positions_are_read_back(text: str | None, position: int | None) -> None:
    assert position_in(text, parameter="after") == position


@pytest.mark.parametrize("text", ["-1", "1.5", "x", " 1", "٣", "²", "9" * 19, "0x1"])
def test_a_position_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        position_in(text, parameter="after")
    assert refusal.value.problems[0] == Problem(code="bad_position", pointer="/after")


@pytest.mark.parametrize("before", [1, 42, 10**17])
def test_a_cursor_leads_back_to_where_it_was_given(before: int) -> None:
    cursor = cursor_of(before)
    assert cursor is not None
    assert str(before) not in cursor
    assert before_of(cursor) == before


def test_without_a_cursor_a_list_begins_at_its_newest() -> None:
    assert (cursor_of(None), before_of(None), before_of("")) == (None, None, None)


def cursor(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "ü",
        "====",
        cursor("b"),
        cursor("bx"),
        cursor("b1.5"),
        cursor("b-5"),
        cursor("b 5"),
        cursor("b1_0"),
        cursor("5"),
        cursor("b" + "9" * 30),
        cursor("b" + "9" * 5000),
        urlsafe_b64encode(b"\xff\xfe\xfd").decode(),
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        before_of(text)
    assert refusal.value.problems[0] == Problem(code="bad_cursor", pointer="/cursor")


def test_an_id_in_a_path_is_an_id_or_names_nothing() -> None:
    assert identifier(str(RUN_ID)) == RUN_ID
    for text in ("", "x", "1", str(RUN_ID) + "0", "../" + str(RUN_ID)):
        with pytest.raises(NotFound):
            identifier(text)


def test_there_are_only_the_environments_there_are() -> None:
    assert [environment(name) for name in ("production", "staging")] == ["production", "staging"]
    for text in ("", "Production", "test"):
        with pytest.raises(BadRequest) as refusal:
            environment(text)
        assert refusal.value.problems[0].pointer == "/environment"


UNSEEN = (
    *("\x00", "\n", "\x1f", "\x7f", "\x85", "\x9f"),  # control characters
    *("\u061c", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069"),  # directions
    *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\xad", "\u034f"),  # no width
    *("\u2028", "\u2029", "\u3164", "\u115f", "\U000e0041"),  # lines, fillers, tags
)


@pytest.mark.parametrize(
    "name", ["", "a" * 201, "a\n", *(f"a{one}b" for one in UNSEEN), *UNSEEN], ids=ascii
)
def test_a_name_that_nobody_can_type_is_refused(name: str) -> None:
    body = {"name": name, "url": "http://m", "graph": {}}
    for shape in (RegisterMachineRequest, PushVersionRequest):
        sent = {field: body[field] for field in shape.__struct_fields__ if field in body}
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(sent, shape)
        for good in ("Ünïcode 名", "مرحبا", "שלום", "🧑 1️⃣", "e\u0301", "a b\u3000c"):
            msgspec.convert(sent | {"name": good}, shape)


def test_a_moment_is_read_with_its_zone() -> None:
    eight = datetime(2026, 11, 30, 8, tzinfo=UTC)
    assert moment_in("2026-11-30T08:00:00Z", parameter="since") == eight
    assert moment_in("2026-11-30T10:00:00+02:00", parameter="since") == eight
    assert moment_in(None, parameter="since") is None


@pytest.mark.parametrize("text", ["2026-11-30T08:00:00", "0.5", "1796000000", "today", "null", ""])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        moment_in(text, parameter="since")
    [problem] = refusal.value.problems
    assert (problem.code, problem.pointer) == ("field_format", "/since")
