"""No type and no error of nats-py or FastStream leaves infra.jetstream."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import nats.errors
import nats.js.errors
import pytest

from infra.jetstream.errors import SILENT, MessageTooLarge, NatsError, Unanswered, own_errors

ROOT = Path(__file__).parents[4]
ROOMS = ("app", "consumers", "infra", "projections")
LIBRARIES = ("nats", "faststream")


def names_that_leave() -> dict[str, Any]:
    """Return what other rooms import from infra.jetstream, by its dotted name."""
    found: dict[str, Any] = {}
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            if (ROOT / "infra" / "jetstream") in file.parents:
                continue
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                    "infra.jetstream"
                ):
                    module = importlib.import_module(str(node.module))
                    for alias in node.names:
                        found[f"{node.module}.{alias.name}"] = getattr(module, alias.name)
    return found


def functions_of(thing: Any) -> Iterator[Any]:
    """Yield the functions whose signatures come along with what is imported."""
    if inspect.isfunction(thing):
        yield thing
    elif inspect.isclass(thing):
        for name, member in vars(thing).items():
            if not name.startswith("_") or name == "__init__":
                wrapped = member.fget if isinstance(member, property) else member
                if inspect.isfunction(wrapped):
                    yield wrapped


def types_in(hint: Any) -> Iterator[Any]:
    """Yield a type and all that it is made of."""
    yield hint
    for part in get_args(hint):
        for inner in part if isinstance(part, list) else [part]:
            yield from types_in(inner)


def is_foreign(kind: Any) -> bool:
    return str(getattr(kind, "__module__", "")).split(".")[0] in LIBRARIES


WRAPS = {
    # Methods that replace one of the library's have its signature.
    "infra.jetstream.connection.Client",
    # It makes a delivery of the library's message.
    "infra.jetstream.work.delivery.Delivery",
}


@pytest.mark.parametrize(("name", "thing"), names_that_leave().items())
def test_what_other_rooms_use_of_jetstream_is_our_own(name: str, thing: Any) -> None:
    things = thing if isinstance(thing, tuple) else (thing,)
    assert not any(map(is_foreign, things))
    if name in WRAPS:
        return
    foreign = [
        f"{function.__qualname__}: {kind}"
        for one in things
        for function in functions_of(one)
        for hint in get_type_hints(function).values()
        for kind in types_in(hint)
        if is_foreign(kind)
    ]
    assert foreign == []


def test_something_leaves() -> None:
    assert len(names_that_leave()) > 50


TOLD_TO_CALLBACKS = {nats.errors.SlowConsumerError, nats.js.errors.ConsumerSequenceMismatchError}
"""Errors that no call raises, and that cannot be made without a subscription."""


def every_error() -> list[nats.errors.Error]:
    """Return one of each kind of error that a call raises."""
    modules = (nats.errors, nats.js.errors)
    kinds = {kind for module in modules for kind in vars(module).values() if inspect.isclass(kind)}
    ours = sorted((k for k in kinds if issubclass(k, nats.errors.Error)), key=lambda k: k.__name__)
    errors = [kind() for kind in ours if kind not in TOLD_TO_CALLBACKS]
    assert len(errors) > 30
    return errors


@pytest.mark.parametrize("error", every_error(), ids=repr)
def test_every_error_of_the_library_becomes_our_own(error: nats.errors.Error) -> None:
    with pytest.raises(NatsError) as raised, own_errors():
        raise error
    assert raised.value.__cause__ is error
    assert (type(raised.value) is Unanswered) == isinstance(error, SILENT)
    assert (type(raised.value) is MessageTooLarge) == isinstance(error, nats.errors.MaxPayloadError)


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError("lost")])
def test_a_timeout_and_a_lost_connection_are_no_answer(error: Exception) -> None:
    with pytest.raises(Unanswered, match=r"no answer in time|lost"), own_errors():
        raise error


def test_an_error_that_is_not_of_nats_stays_what_it_is() -> None:
    with pytest.raises(ValueError, match="ours"), own_errors():
        raise ValueError("ours")
