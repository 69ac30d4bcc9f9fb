"""Events are only hints: with a stand-in that says too little, too much or too late."""

from typing import Any

import pytest

from infra.comfyui.driver import ComfyUIMachine, open_comfyui
from infra.machine_driver import Finished, OutcomeUnknown, Running, Waiting
from tests.fakes.comfyui_answers import PROMPT, Recorder
from tests.standin import Server, Switches

PICTURE: dict[str, Any] = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 5},
    },
    "2": {
        "class_type": "StandinSlow",
        "inputs": {"image": ["1", 0], "seconds": 0.3, "steps": 6, "preview": True, "seed": 1},
    },
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "made"}},
    "4": {"class_type": "StandinText", "inputs": {"text": "a caption"}},
    "5": {"class_type": "SaveGLB", "inputs": {"mesh": ["6", 0], "filename_prefix": "mesh/made"}},
    "6": {"class_type": "StandinMesh", "inputs": {"seed": 1}},
}


@pytest.mark.parametrize(
    "switches",
    [Switches(silent=True), Switches(doubled=True), Switches(late=0.5), Switches()],
    ids=["silent", "doubled", "late", "healthy"],
)
async def test_events_are_only_hints(
    standin: Server, real: ComfyUIMachine, switches: Switches
) -> None:
    standin.switches = switches
    report = Recorder()
    await real.submit(PROMPT, PICTURE)
    outcome = await real.watch(PROMPT, PICTURE, report)

    assert isinstance(outcome, Finished)
    assert sorted((o.node_id, o.kind, o.filename, o.text) for o in outcome.outputs) == [
        ("3", "images", "made_00001_.png", None),
        ("4", "text", "", "a caption"),
        ("5", "3d", "made_00001_.glb", None),
    ]
    assert report.runs == 1
    percents = [progress.percent for progress in report.told]
    assert percents == sorted(percents)


async def test_nodes_that_say_nothing_for_longer_than_the_silence_keep_their_times(
    standin: Server,
) -> None:
    standin.switches = Switches(node_seconds=1.4)
    machine = await open_comfyui(standin.url, silence=0.8, allow_private=True)
    graph = {node_id: PICTURE[node_id] for node_id in ("1", "3")}
    graph["3"] = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "a"}}
    await machine.submit(PROMPT, graph)
    outcome = await machine.watch(PROMPT, graph, Recorder())
    await machine.close()

    assert isinstance(outcome, Finished)
    times = {node.node_id: node.seconds for node in outcome.nodes}
    assert set(times) == {"1", "3"}
    assert all(1 < seconds < 5 for seconds in times.values())


async def test_a_prompt_whose_answer_is_late_can_be_found(
    standin: Server, real: ComfyUIMachine
) -> None:
    standin.switches = Switches(hang_posts=5, node_seconds=0.3)
    with pytest.raises(OutcomeUnknown):
        await real.submit(PROMPT, PICTURE)

    assert await real.look_up(PROMPT) in (Waiting(), Running())
    assert isinstance(await real.watch(PROMPT, PICTURE, Recorder()), Finished)
    assert standin.rendered() == {str(PROMPT): 1}
