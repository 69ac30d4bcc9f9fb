"""Bodies of every route refuse fields that they do not know, at every depth."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from msgspec import Struct
from msgspec.structs import fields

from app.main import GUARDED_ROUTES


def structs_in(annotation: Any) -> Iterator[type[Struct]]:
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        yield annotation
        for field in fields(annotation):
            yield from structs_in(field.type)
    for part in get_args(annotation):
        yield from structs_in(part)


BODIES: set[type[Struct]] = {
    struct
    for route in GUARDED_ROUTES
    if "data" in (parameters := route.parsed_fn_signature.parameters)
    for struct in structs_in(parameters["data"].annotation)
}


def test_there_are_bodies_to_look_at() -> None:
    assert {"RunRequest", "RegisterMachineRequest", "MachineHeader"} <= {b.__name__ for b in BODIES}


@pytest.mark.parametrize("body", sorted(BODIES, key=str))
def test_a_body_refuses_what_it_does_not_know(body: type[Struct]) -> None:
    assert body.__struct_config__.forbid_unknown_fields
