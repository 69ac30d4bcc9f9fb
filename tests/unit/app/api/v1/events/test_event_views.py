"""What a client sees of each event: nothing that is private, and nothing that nobody looked at."""

import json
from typing import Any

import pytest
from msgspec import Struct

from app.api.v1.events.views import SHOWN, changes_message, event_frame, events_message
from app.live.tenant_stream import Changes, EventsPiece
from events.codec import TYPES
from infra.settings.settings import Spaces
from tests.golden.examples import EXAMPLES, recorded_example

SPACES = Spaces(endpoint="", endpoint_cdn="http://s3", bucket="b", key="k", secret="s")
PRIVATE = {
    "graph_key",
    "graph_sha256",
    "header",
    "key",
    "jti",
    "prefix",
    "request_hash",
    "sealed_comfy_key",
    "sealed_header",
    "sealed_token",
    "text",
    "ui_graph_key",
}
"""Fields of stored events that no stream shows, whatever they hold."""

SHA256_OF_FILE = {"run.image_uploaded.v1", "run.file_uploaded.v1"}
"""Where a hash is that of an output, which its client may fetch."""


def shown(name: str) -> dict[str, Any]:
    """Return the message of a stored event, read as a client reads it."""
    frame = event_frame(recorded_example(name), SPACES)
    identifier, event, data = frame.data.decode().removesuffix("\n\n").split("\n")
    assert (identifier, event) == ("id: 7", f"event: {name.rpartition('.v')[0]}")
    return dict(json.loads(data.removeprefix("data: ")))


def fields(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {name for item in value.values() for name in fields(item)}
    return {name for item in value for name in fields(item)} if isinstance(value, list) else set()


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_no_event_shows_what_is_private(name: str) -> None:
    hidden = PRIVATE if name in SHA256_OF_FILE else PRIVATE | {"sha256"}
    assert fields(shown(name)) & hidden == set()


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_event_says_what_it_is_of_what_and_when(name: str) -> None:
    kind = name.partition(".")[0]
    seen = shown(name)
    of_runs = {"status"} if kind == "run" else set()
    assert set(seen) == {"id", "type", f"{kind}_id", "at", "data"} | of_runs


def test_what_is_shown_of_an_event_is_in_it() -> None:
    by_name = {name.rpartition(".v")[0]: event for name, event in EXAMPLES.items()}
    for name, names in SHOWN.items():
        event: Struct = by_name[name]
        assert set(names) <= set(event.__struct_fields__), name


def test_a_deployment_says_what_runs_where() -> None:
    assert shown("deployment.promoted.v1")["data"].keys() == set(SHOWN["deployment.promoted"])


def test_a_batch_says_how_many_runs_of_which_deployments() -> None:
    assert shown("batch.created.v1")["data"].keys() == {"total", "deployment_ids"}


def test_an_observed_machine_says_its_versions_and_not_its_files() -> None:
    assert shown("machine.observed.v1")["data"].keys() == {
        "comfyui_version",
        "python_version",
        "pytorch_version",
        "node_classes",
    }


@pytest.mark.parametrize("last", [False, True])
def test_a_stream_without_news_says_how_far_it_has_come(last: bool) -> None:  # noqa: FBT001
    position = b'id: 12\nevent: position\ndata: {"position":"12"}\n\n'
    assert events_message(EventsPiece(frames=[], position=12, last=last)) == position
    nothing = Changes(ids={}, everything=False, position=12, last=last)
    assert changes_message(nothing) == position


def test_changes_are_ids_by_kind_or_everything() -> None:
    some = Changes(ids={"run": ["a", "b"]}, everything=False, position=9)
    more = Changes(ids={}, everything=True, position=9)
    head = b"id: 9\nevent: changes\ndata: "
    assert changes_message(some) == head + b'{"everything":false,"ids":{"run":["a","b"]}}\n\n'
    assert changes_message(more) == head + b'{"everything":true,"ids":{}}\n\n'
