"""What is in the log stays readable: golden files for every version of every event."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from events import codec
from events.codec import UnknownEventType, UnreadableEvent, Upcaster
from events.envelope import AnyRecorded, Meta, Recorded
from tests.builders.facts import NOW, meta
from tests.golden.examples import EXAMPLES, EXTENDED, recorded_example

FOLDER = Path(__file__).parents[2] / "golden"
NAMES = sorted(EXAMPLES)


class Golden(msgspec.Struct, frozen=True):
    """An event as the log holds it."""

    headers: dict[str, str]
    body: msgspec.Raw


def read(name: str, folder: Path = FOLDER) -> Golden:
    return msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=Golden)


def compact(body: bytes) -> bytes:
    return msgspec.json.format(body, indent=-1)


def decoded(headers: Mapping[str, str], body: bytes) -> AnyRecorded:
    return codec.decode(headers, body, position=7, recorded_at=NOW)


def test_every_event_that_can_be_stored_has_a_golden_file_and_no_other_has() -> None:
    files = {file.stem for file in FOLDER.glob("*.json")}
    assert files == set(EXAMPLES) == set(codec.TYPES) | set(codec.UPCASTERS)


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_event_reads_as_what_it_meant(name: str) -> None:
    golden = read(name)
    assert decoded(golden.headers, bytes(golden.body)) == recorded_example(name)


@pytest.mark.parametrize("name", sorted(codec.TYPES))
def test_an_event_is_stored_byte_for_byte_as_before(name: str) -> None:
    golden = read(name)
    headers, body = codec.encode(recorded_example(name))
    assert (headers, body) == (golden.headers, compact(bytes(golden.body)))


@pytest.mark.parametrize("name", NAMES)
def test_every_field_of_a_golden_file_is_read(name: str) -> None:
    golden = read(name)
    fields = json.loads(bytes(golden.body))
    for field in fields:
        changed = json.dumps({n: v for n, v in fields.items() if n != field}).encode()
        try:
            differs = decoded(golden.headers, changed) != recorded_example(name)
        except UnreadableEvent:
            differs = True
        assert differs, field


@pytest.mark.parametrize("name", sorted(EXTENDED))
def test_a_field_that_was_added_later_is_stored_as_in_its_golden_file(name: str) -> None:
    golden = read(name, FOLDER / "extended")
    headers, body = codec.encode(recorded_example(name, EXTENDED))
    assert (headers, body) == (golden.headers, compact(bytes(golden.body)))
    assert decoded(golden.headers, bytes(golden.body)) == recorded_example(name, EXTENDED)


def test_every_extended_golden_file_has_its_example() -> None:
    assert {file.stem for file in (FOLDER / "extended").glob("*.json")} == set(EXTENDED)


@pytest.mark.parametrize("name", sorted(codec.TYPES))
def test_every_event_says_when_it_happened(name: str) -> None:
    assert "at" in codec.TYPES[name].__struct_encode_fields__
    folder = FOLDER / "extended" if name in EXTENDED else FOLDER
    moment = datetime.fromisoformat(json.loads(bytes(read(name, folder).body))["at"])
    assert moment.utcoffset() == timedelta(0)
    assert moment == recorded_example(name).event.at


def test_fields_that_a_newer_version_adds_are_passed_over() -> None:
    golden = read("run.cancel_requested.v1")
    body = json.dumps(json.loads(bytes(golden.body)) | {"new": [1]}).encode()
    assert decoded(golden.headers, body) == recorded_example("run.cancel_requested.v1")


# names


def test_an_event_of_a_newer_version_is_unknown_and_not_broken() -> None:
    headers = read("run.created.v1").headers | {"ce-type": "run.created.v9"}
    with pytest.raises(UnknownEventType, match=r"run\.created\.v9"):
        decoded(headers, b"{}")


def test_an_old_event_is_brought_up_step_by_step() -> None:
    upcasters: dict[str, Upcaster] = {
        "run.stopped.v1": ("run.stopped.v2", lambda old: {**old, "by": old["who"]}),
        "run.stopped.v2": (
            "run.cancel_requested.v1",
            lambda old: {"by": old["by"], "at": old["on"]},
        ),
    }
    old = json.dumps({"who": "ada", "on": NOW.isoformat()}).encode()

    event = codec.decode_body("run.stopped.v1", old, upcasters)

    assert event == codec.TYPES["run.cancel_requested.v1"](by="ada", at=NOW)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"ce-type": ""}, b"{}"),
        ({"x-version": "one"}, b"{}"),
        ({"ce-id": "no id"}, b"{}"),
        ({"x-command-id": ""}, b"{}"),
        ({}, b""),
        ({}, b"{"),
        ({}, b"[]"),
        ({}, b'{"by": 1}'),
        ({}, b'{"by": "\xff"}'),
    ],
)
def test_a_broken_event_says_where_it_lies(headers: dict[str, str], body: bytes) -> None:
    golden = read("run.cancel_requested.v1").headers | headers
    present = {name: value for name, value in golden.items() if value}
    with pytest.raises(UnreadableEvent, match="position 7"):
        decoded(present, body)


# headers


def draft(circumstances: Meta) -> AnyRecorded:
    return replace(recorded_example("run.cancel_requested.v1"), meta=circumstances)


@pytest.mark.parametrize(
    "tenant",
    [
        "user:ada\r\nx-tenant: user:bob",
        "user:\n",
        "org:图像",
        "user:\x00",
        "user:a%0Ab",
        " user: a ",
    ],
)
def test_nothing_in_a_header_can_begin_another(tenant: str) -> None:
    circumstances = Meta(
        tenant=tenant,
        actor=tenant,
        command_id=UUID(int=1),
        correlation_id=tenant,
        causation_id=tenant,
        traceparent=tenant,
    )

    headers, body = codec.encode(draft(circumstances))

    for value in headers.values():
        assert value.isascii()
        assert value.isprintable()
        assert value == value.strip()
    assert decoded(headers, body).meta == circumstances


@given(tenant=st.text(min_size=1), actor=st.text(min_size=1), correlation=st.text())
def test_whatever_the_circumstances_they_are_read_back(
    tenant: str, actor: str, correlation: str
) -> None:
    circumstances = replace(meta(), tenant=tenant, actor=actor, correlation_id=correlation)
    headers, body = codec.encode(draft(circumstances))
    assert decoded(headers, body).meta == circumstances


def test_empty_circumstances_take_no_header() -> None:
    headers, _ = codec.encode(replace(draft(meta()), status=""))
    assert not {"x-status", "x-correlation-id", "x-causation-id", "traceparent"} & headers.keys()


def test_a_moment_is_the_same_in_whatever_zone_it_was_written() -> None:
    east = timezone(timedelta(hours=8))
    moment = datetime(2026, 11, 23, 20, 0, tzinfo=east)
    event = recorded_example("run.cancel_requested.v1").event
    headers, body = codec.encode(_recorded(replace(event, at=moment)))

    again = decoded(headers, body).event.at

    assert again == moment
    assert again.astimezone(UTC) == NOW


def _recorded(event: Any) -> AnyRecorded:
    return Recorded(
        aggregate="run-1",
        position=1,
        version=1,
        id=UUID(int=1),
        type=codec.type_name_of(type(event)),
        status="",
        event=event,
        meta=meta(),
        recorded_at=NOW,
    )
