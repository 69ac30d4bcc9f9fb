"""Seeds are kept from the plugin, which draws again every one that is a number."""

from typing import Any

import pytest

from infra.comfyui.plugin.pinned import MOST, pinned
from infra.machine_driver import WorkflowRejected


def node(**inputs: Any) -> dict[str, Any]:
    return {"class_type": "KSampler", "inputs": inputs}


def test_each_seed_comes_from_a_node_of_its_own() -> None:
    graph = {"3": node(seed=5, steps=4), "7": node(noise_seed=0)}

    assert pinned(graph) == {
        "3": node(seed=["comfyd-3-seed", 0], steps=4),
        "7": node(noise_seed=["comfyd-7-noise_seed", 0]),
        "comfyd-3-seed": {"class_type": "PrimitiveInt", "inputs": {"value": 5}},
        "comfyd-7-noise_seed": {"class_type": "PrimitiveInt", "inputs": {"value": 0}},
    }
    assert graph["3"] == node(seed=5, steps=4)


@pytest.mark.parametrize("value", [["4", 0], True, "5", 1.5, None])
def test_what_is_no_number_stays_as_it_is(value: Any) -> None:
    assert pinned({"3": node(seed=value)}) == {"3": node(seed=value)}


def test_a_seed_that_such_a_node_does_not_take_is_refused_by_name() -> None:
    pinned({"3": node(seed=MOST)})
    with pytest.raises(WorkflowRejected) as refused:
        pinned({"3": node(seed=MOST + 1), "4": node(noise_seed=2**64 - 1)})

    assert [(p.code, p.node_id, p.input_name) for p in refused.value.problems] == [
        ("bad_value", "3", "seed"),
        ("bad_value", "4", "noise_seed"),
    ]
