"""Reads a body as the type that its route wants, strictly: "1" is no number, and 0 is not false.

The framework would decode to whatever JSON holds and then make it fit, kindly; what is described
is what is taken.
"""

import json
import math
from collections.abc import Iterable
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, InternalServerException, ValidationException
from typing_extensions import override

from events.errors import Problem
from events.json_checks import check_complexity, malformed_json
from infra.offload import SMALL, in_thread_if

_LONGEST_REASON = 2000
"""Characters of what the decoder says."""

_LONGEST_SEARCHED = 1024 * 1024
"""Bytes of a body in which the place of a mistake is looked for."""


class StrictRequest(Request[Any, Any, Any]):
    """A request whose body is decoded once, to the type of the route's `data`."""

    _whole: bytes | None = None
    """The body, once it has come."""

    @override
    async def body(self) -> bytes:
        """Return the body as it came.

        Raises:
            ClientException: the client has left in the middle; the answer is not read.

        """
        if self._whole is None:
            try:
                chunks = [chunk async for chunk in self.stream()]
            except InternalServerException as error:
                # The framework takes it for a fault of ours.
                raise ClientException from error
            large = sum(map(len, chunks)) > SMALL
            self._whole = await in_thread_if(large, b"".join, chunks)
        return self._whole

    @override
    async def json(self) -> Any:
        """Return the body, decoded.

        Raises:
            ValidationException: it is not of the type that the route takes.
            ClientException: it is no JSON.
            BodyTooComplex: it holds too many values.

        """
        data = self.route_handler.parsed_fn_signature.parameters.get("data")
        body = await self.body()
        kind = data.annotation if data else Any
        return await in_thread_if(len(body) > SMALL, _decoded, body, kind)


def _decoded(body: bytes, kind: Any) -> Any:
    try:
        text = _in_utf8(body)
        if len(text) > SMALL:
            check_complexity(text)
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        # What a client sent is quoted, however long it is.
        said, _, place = str(error)[:_LONGEST_REASON].partition(" - at `")
        key = f"data{place.partition('$')[2].rstrip('`')}"
        # The decoder does not name the keys of a mapping.
        path = _path_to_overflow(body) if "out of range" in said and "[...]" in key else ()
        raise ValidationException(extra=[{"key": key, "message": said, "path": path}]) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        short = len(body) <= _LONGEST_SEARCHED
        raise ClientException(extra=[_malformed(body, error)] if short else []) from error


def _path_to_overflow(body: bytes) -> tuple[str, ...]:
    """Return the keys that lead to the first number that is too large; nothing if unknown."""
    try:
        document = json.loads(body) if len(body) <= _LONGEST_SEARCHED else None
    except (ValueError, RecursionError):
        return ()
    waiting: list[tuple[tuple[str, ...], Any]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, float) and math.isinf(value):
            return path
        inner: Iterable[tuple[object, Any]] = ()
        if isinstance(value, dict | list):
            inner = value.items() if isinstance(value, dict) else enumerate(value)
        waiting += reversed([((*path, str(key)), part) for key, part in inner])
    return ()


def _in_utf8(body: bytes) -> bytes:
    """Return a body in UTF-8 without a byte order mark, whichever of JSON's encodings it is in."""
    encoding = json.detect_encoding(body)
    return body if encoding == "utf-8" else body.decode(encoding).encode()


def _malformed(body: bytes, error: Exception) -> Problem:
    text = body.decode(json.detect_encoding(body), errors="replace")
    return malformed_json(text, error)
