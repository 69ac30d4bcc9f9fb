"""Snapshots: what is different between two, and how much one may hold."""

from msgspec.structs import replace

from events.machine.snapshot import (
    LONGEST_NAME,
    MOST_MODELS,
    Device,
    SnapshotChange,
    bounded,
    change,
)
from tests.builders.machines import snapshot

GPU = Device(name="cuda:0", type="cuda", vram_total=24)


def test_a_first_snapshot_changes_nothing() -> None:
    assert change(None, snapshot()) == SnapshotChange()


def test_everything_that_differs_is_told() -> None:
    before = replace(snapshot(), models={"checkpoints": ("a", "b"), "vae": ("v",)})
    after = replace(
        before,
        comfyui_version="0.34.0",
        devices=(GPU,),
        models={"checkpoints": ("b", "c"), "loras": ("l",)},
        node_classes=4,
    )
    assert change(before, after) == SnapshotChange(
        versions={"comfyui_version": ("0.33.0", "0.34.0")},
        devices=((), (GPU,)),
        models_added={"checkpoints": ("c",), "loras": ("l",)},
        models_removed={"checkpoints": ("a",), "vae": ("v",)},
        node_classes=(3, 4),
    )


def test_models_are_sorted_and_each_is_named_once() -> None:
    assert bounded({"loras": ["b", "a", "b"], "vae": []}) == (
        {"loras": ("a", "b"), "vae": ()},
        0,
    )


def test_models_beyond_the_bound_and_names_that_are_too_long_are_only_counted() -> None:
    names = [f"{number:05}" for number in range(MOST_MODELS + 5)]
    kept, omitted = bounded({"checkpoints": [*names, "x" * (LONGEST_NAME + 1)], "loras": ["a"]})
    assert kept == {"checkpoints": tuple(names[:MOST_MODELS]), "loras": ()}
    assert omitted == 7
