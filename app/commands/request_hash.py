"""Hashes of requests: what tells one from another under the same Idempotency-Key.

Stored with every run, so the same request has to give the same hash for ever.
"""

import hashlib
from collections.abc import Iterator, Mapping

import msgspec

from infra.offload import SMALL

_canonical = msgspec.json.Encoder(order="deterministic").encode


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
    """Yield canonical JSON in pieces; encoding an image in one call would hold up everybody."""
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
