"""One Idempotency-Key is one run, and belongs to one request.

The hash of a request is stored with its run: however it is worked out, it stays the same.
"""

import hashlib
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.caller import Caller
from app.commands.idempotency import is_large, open_for_key, request_hash_of
from app.commands.recorder import Recorder
from app.reads.runs.runs import RunSession
from events.aggregates import RUN
from events.errors import AlreadyExists
from events.ids import keyed_run_id
from events.run.commands import CreateRun
from events.subjects import identifier_of
from infra.offload import SMALL
from tests.builders.facts import NOW, created
from tests.fakes.event_store import MemoryEventStore

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


ADA = Caller(user_id="ada", org_id=None)
KEYED_RUN = keyed_run_id(ADA.tenant, "key")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(store=MemoryEventStore(), now=lambda: NOW, new_id=uuid4)


async def open_run(
    recorder: Recorder, *, key: str | None, request_hash: str = "hash", caller: Caller = ADA
) -> RunSession:
    return await open_for_key(
        recorder, caller, RUN, keyed_run_id, key=key, request_hash=request_hash
    )


async def make_run(recorder: Recorder) -> None:
    """Record the run of a first request with the key."""
    session = await open_run(recorder, key="key")
    command = CreateRun(created=created(run_id=KEYED_RUN), images=())
    await recorder.execute(ADA, session, command)


async def test_a_new_key_opens_a_run_that_is_still_to_be_made(recorder: Recorder) -> None:
    session = await open_run(recorder, key="key")
    assert (session.name, session.state, session.tenant) == (RUN.name(KEYED_RUN), None, ADA.tenant)


async def test_the_same_request_again_finds_the_run_it_has_made(recorder: Recorder) -> None:
    await make_run(recorder)
    session = await open_run(recorder, key="key")
    assert session.existing == RUN.fold([created(run_id=KEYED_RUN)])


async def test_another_request_under_the_same_key_is_refused(recorder: Recorder) -> None:
    await make_run(recorder)
    with pytest.raises(AlreadyExists, match="belongs to a different request"):
        await open_run(recorder, key="key", request_hash="another")


async def test_the_key_of_another_tenant_is_another_key(recorder: Recorder) -> None:
    await make_run(recorder)
    eve = Caller(user_id="eve", org_id=None)
    session = await open_run(recorder, key="key", request_hash="another", caller=eve)
    assert (session.name, session.state) == (RUN.name(keyed_run_id(eve.tenant, "key")), None)


async def test_without_a_key_every_request_is_a_new_run(recorder: Recorder) -> None:
    await make_run(recorder)
    sessions = [await open_run(recorder, key=None) for _ in range(3)]
    assert [session.state for session in sessions] == [None] * 3
    assert len({identifier_of(session.name) for session in sessions} | {KEYED_RUN}) == 4
