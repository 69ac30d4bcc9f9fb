"""Idempotency: one Idempotency-Key is one aggregate, and a repeated request finds it.

The hash of a request tells it from another one under the same key. It is stored with every run, so
the same request has to give the same hash for ever.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, TypeVar
from uuid import UUID

import msgspec

from app.auth.caller import Caller
from app.commands.recorder import Recorder
from events.decider import Decider
from events.errors import AlreadyExists
from infra.event_store import Session
from infra.offload import SMALL

_canonical = msgspec.json.Encoder(order="deterministic").encode


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


def request_hash_of(request: Mapping[str, object]) -> str:
    """Return the SHA-256 of a request's canonical JSON, in hex."""
    digest = hashlib.sha256()
    for piece in _pieces(request):
        digest.update(piece)
    return digest.hexdigest()


def is_large(inputs: Mapping[str, object]) -> bool:
    """Whether working on these inputs takes long enough for others to notice."""
    size = 0
    for value in inputs.values():
        # Arrays and objects may hold anything. No input takes them, but they are hashed, too.
        size += len(value) if isinstance(value, str) else SMALL if _has_parts(value) else 1
    return size >= SMALL


def _has_parts(value: object) -> bool:
    return isinstance(value, list | dict)


def _pieces(value: object) -> Iterator[bytes]:
    """Yield canonical JSON in pieces; encoding an image in one call would block all others."""
    if isinstance(value, str) and len(value) > SMALL:
        yield b'"'
        for start in range(0, len(value), SMALL):
            yield _canonical(value[start : start + SMALL])[1:-1]
        yield b'"'
    elif isinstance(value, Mapping) and any(map(_is_long, value.values())):
        yield b"{"
        for number, key in enumerate(sorted(value)):
            yield b"," * bool(number) + _canonical(key) + b":"
            yield from _pieces(value[key])
        yield b"}"
    else:
        yield _canonical(value)


def _is_long(value: object) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, str) and len(value) > SMALL)
