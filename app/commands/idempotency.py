"""Idempotency: one Idempotency-Key is one aggregate, and a repeated request finds it."""

from collections.abc import Callable
from typing import Protocol, TypeVar
from uuid import UUID

from app.auth.caller import Caller
from app.commands.recorder import Recorder
from events.decider import Decider
from events.errors import AlreadyExists
from infra.event_store import Session


class MadeByRequest(Protocol):
    """A state that keeps the hash of the request that made it."""

    @property
    def request_hash(self) -> str: ...


S = TypeVar("S", bound=MadeByRequest)
C = TypeVar("C")
E = TypeVar("E")


async def open_for_key(
    recorder: Recorder,
    caller: Caller,
    decider: Decider[S, C, E],
    keyed_id: Callable[[str, str], UUID],
    *,
    key: str | None,
    request_hash: str,
) -> Session[S, C, E]:
    """Open the aggregate that a key stands for, or a new one.

    It has a state if an earlier request with the same key has made it.

    Raises:
        AlreadyExists: the key belongs to a different request.
        LogUnavailable: the log does not answer.

    """
    identifier = keyed_id(caller.tenant, key) if key else recorder.new_id()
    session = recorder.new(caller, decider, identifier)
    if key:
        await session.load()
        if session.state is not None and session.state.request_hash != request_hash:
            raise AlreadyExists("this Idempotency-Key belongs to a different request")
    return session
