"""Every body of every route is limited: its bytes, its texts, its lists."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler
from msgspec import inspect

from app.main import GRAPH_BODY, SMALL_BODY, build_app
from infra.settings.settings import settings_from
from tests.builders.settings import REQUIRED

FREE = (
    "RunRequest.inputs[]",
    "RunRequest.workflow",
    "CreateRunRequest.inputs[]",
    "CreateBatchRequest.inputs[][]",
    "RerunRequest.inputs[]",
    "WorkflowRunRequest.inputs[]",
    "UploadRequest.workflow",
    "UploadRequest.snapshot",
    "UploadRequest.dependencies",
    "VersionRequest.workflow",
    "PushVersionRequest.graph",
    "PushVersionRequest.ui_graph",
    "PushVersionRequest.custom_nodes[]",
)
"""What may hold any JSON: its own rules look at it, and the number of its values is limited."""


def handlers(body_limit: int) -> Iterator[tuple[str, HTTPRouteHandler]]:
    """Yield the handlers that take a body."""
    settings = settings_from(REQUIRED | {"COMFYD_BODY_LIMIT": str(body_limit)})
    for route in build_app(settings).routes:
        for handler in getattr(route, "route_handlers", ()):
            if "data" in handler.parsed_fn_signature.parameters:
                yield route.path, handler


BODIES = {
    handler.parsed_fn_signature.parameters["data"].annotation
    for _, handler in handlers(64 * 1024 * 1024)
}


def unlimited(kind: inspect.Type, where: str) -> Iterator[str]:
    """Yield the places of everything that may be as long as it likes."""
    match kind:
        case inspect.Metadata(type=inner):
            yield from unlimited(inner, where)
        case inspect.StructType(fields=fields):
            for field in fields:
                yield from unlimited(field.type, f"{where}.{field.encode_name}")
        case inspect.UnionType(types=types):
            for one in types:
                yield from unlimited(one, where)
        case inspect.StrType(max_length=None):
            yield where
        case inspect.ListType(item_type=item, max_length=most):
            yield from (where,) if most is None else ()
            yield from unlimited(item, f"{where}[]")
        case inspect.DictType(key_type=key, value_type=value, max_length=most):
            yield from (where,) if most is None else ()
            yield from unlimited(key, f"{where}{{}}")
            yield from unlimited(value, f"{where}[]")
        case inspect.AnyType():
            yield where
        case _:  # numbers, ids and the like have a size of their own
            pass


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_every_text_and_list_has_its_most(body: type) -> None:
    found = unlimited(inspect.type_info(body), body.__name__)
    assert [where for where in found if not where.startswith(FREE)] == []


def test_what_is_free_is_there() -> None:
    names = {body.__name__ for body in BODIES}
    assert {where.partition(".")[0] for where in FREE} <= names


def test_the_check_finds_what_has_no_limit() -> None:
    class Loose(msgspec.Struct):
        text: str
        texts: list[str] | None
        any_of_them: dict[str, Any]

    assert set(unlimited(inspect.type_info(Loose), "Loose")) == {
        "Loose.text",
        "Loose.texts",
        "Loose.texts[]",
        "Loose.any_of_them",
        "Loose.any_of_them{}",
        "Loose.any_of_them[]",
    }


@pytest.mark.parametrize("setting", [64 * 1024 * 1024, 1000])
def test_only_bodies_with_images_may_be_as_long_as_the_setting_says(setting: int) -> None:
    limits = {path: handler.resolve_request_max_body_size() for path, handler in handlers(setting)}
    with_images = {
        "/api/run",
        "/api/create-run",
        "/v1/runs",
        "/v1/batches",
        "/v1/runs/{run_id:str}/rerun",
    }

    assert {limits[path] for path in with_images} == {setting}
    with_graphs = {
        "/api/upload",
        "/api/workflow",
        "/api/workflow/{workflow_id:str}/version",
        "/v1/workflows",
    }
    assert {limits[path] for path in with_graphs} == {min(GRAPH_BODY, setting)}
    others = {limit for path, limit in limits.items() if path not in with_images | with_graphs}
    assert others == {min(SMALL_BODY, setting)}
