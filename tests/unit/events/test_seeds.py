"""How seeds are derived, and when an author has fixed one."""

from typing import Any
from uuid import UUID

import pytest

from events.seeds import is_fixed, seed_for


def test_how_seeds_are_derived_does_not_change_between_versions() -> None:
    assert seed_for(UUID(int=1), "1", "seed") == 259_327_766_679_149


@pytest.mark.parametrize(
    ("node_id", "ui_graph", "kept"),
    [
        ("1", {"nodes": [{"id": 1, "widgets_values": [7, "fixed", 20]}]}, True),
        ("1", {"nodes": [{"id": 1, "widgets_values": ["enable", 7, "fixed"]}]}, True),
        ("1", {"nodes": [{"id": "1", "widgets_values": [7, "fixed"]}]}, True),
        ("1", {"nodes": [{"id": 1, "widgets_values": [7, "randomize"]}]}, False),
        ("1", {"nodes": [{"id": 1, "widgets_values": [8, "fixed"]}]}, False),
        ("1", {"nodes": [{"id": 2, "widgets_values": [7, "fixed"]}]}, False),
        ("1", {"nodes": [{"id": 1, "widgets_values": {"seed": 7}}]}, False),
        ("1", {"nodes": [None, {"id": 1}]}, False),
        ("1", {"nodes": None}, False),
        ("1", {}, False),
        ("1", None, False),
        (
            "12:1",
            {
                "nodes": [{"id": 12, "type": "sub", "widgets_values": []}],
                "definitions": {
                    "subgraphs": [
                        {"id": "other", "nodes": [{"id": 1, "widgets_values": [7]}]},
                        {"id": "sub", "nodes": [{"id": 1, "widgets_values": [7, "fixed"]}]},
                    ]
                },
            },
            True,
        ),
        ("12:1", {"nodes": [{"id": 1, "widgets_values": [7, "fixed"]}]}, False),
    ],
)
def test_a_seed_stays_when_the_editor_says_fixed(
    node_id: str, ui_graph: dict[str, Any] | None, *, kept: bool
) -> None:
    assert is_fixed(ui_graph, node_id, 7) is kept
