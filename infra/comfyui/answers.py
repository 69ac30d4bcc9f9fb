"""Read what a ComfyUI answers."""

import json
from http import HTTPStatus
from typing import TypeVar

import msgspec
from msgspec import Struct

from infra.machine_driver import MachineRefused, MachineUnreachable

Reply = TypeVar("Reply")


class Answer(Struct, frozen=True, kw_only=True):
    """A whole answer: its status, the media type of its body, and the body."""

    status: int
    media_type: str
    body: bytes

    def words(self) -> str:
        """Return the beginning of the body, for an error message."""
        return self.body[:200].decode(errors="replace").strip()


def decoded(answer: Answer, reply: type[Reply]) -> Reply:
    """Read *answer* as a *reply*.

    Raises:
        MachineUnreachable: it is no answer that a ComfyUI gives when all is well.
        MachineRefused: it is nested too deeply to be read.

    """
    if answer.status != HTTPStatus.OK:
        raise MachineUnreachable(f"the machine answers {answer.status}: {answer.words()}")
    try:
        return _read(answer.body, reply)
    except ValueError as error:
        raise MachineUnreachable(f"not the answer of a ComfyUI: {error}") from error
    except RecursionError as error:
        nested = "the machine's answer is nested too deeply"
        raise MachineRefused("machine_answer_invalid", nested) from error


def _read(body: bytes, reply: type[Reply]) -> Reply:
    try:
        return msgspec.json.decode(body, type=reply)
    except msgspec.DecodeError as error:
        try:
            return _as_python_writes(body, reply)
        except ValueError:
            raise error from None


def _as_python_writes(body: bytes, reply: type[Reply]) -> Reply:
    """Read JSON with NaN and Infinity, which nodes show and Python's servers write.

    Raises:
        ValueError: it is something else, or holds half a character, which could not be stored.

    """
    found = json.loads(body)
    msgspec.json.encode(found)
    return msgspec.convert(found, reply)
