"""Snapshots of ComfyUI-Manager: kept as packs, shown as they came, and no poison for the log."""

from typing import Any

import msgspec
import pytest

from events.packs import MOST_PACKS, custom_nodes_in, snapshot_of
from events.workflow import CustomNodes

WHOLE = {
    "comfyui": "9f8e7d",
    "git_custom_nodes": {"https://github.com/a/pack": {"hash": "0a1b", "disabled": False}},
    "file_custom_nodes": [{"filename": "own.py", "disabled": True}],
    "cnr_custom_nodes": {"rgthree": "1.0.0"},
}


def test_a_snapshot_is_shown_as_it_came() -> None:
    assert snapshot_of(custom_nodes_in(WHOLE)) == WHOLE


@pytest.mark.parametrize(
    "snapshot",
    [
        None,
        {},
        {"comfyui": None, "git_custom_nodes": {}, "file_custom_nodes": []},
        {"git_custom_nodes": [1], "cnr_custom_nodes": "x", "file_custom_nodes": {"a": 1}},
        {"git_custom_nodes": {"a": 1, "b": None, "": {}, "c" * 201: {}}, "comfyui": 5},
        {"file_custom_nodes": [1, {"filename": 2}]},
    ],
)
def test_what_is_no_pack_is_left_out(snapshot: Any) -> None:
    assert custom_nodes_in(snapshot) == {}
    assert snapshot_of(custom_nodes_in(snapshot)) is None


def test_what_is_kept_can_be_read_from_the_log_again() -> None:
    many = {"git_custom_nodes": {str(n): {"any": [n]} for n in range(MOST_PACKS + 5)}}
    packs = custom_nodes_in(many | {"cnr_custom_nodes": {"x": ["no"]}})
    assert len(packs) == MOST_PACKS
    assert msgspec.json.decode(msgspec.json.encode(packs), type=CustomNodes) == packs
