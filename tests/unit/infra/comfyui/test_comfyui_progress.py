"""How far a prompt is, folded from what ComfyUI says; also from recordings of real servers."""

import json
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.run.progress import Progress
from infra.comfyui.history import History, outcome_of
from infra.comfyui.watch.frames import Frame, frame_from
from infra.comfyui.watch.progress import Heard, hear, nothing_heard, progress_of
from infra.machine_driver import Failed, Finished, Interrupted

PROMPT = UUID("0d8f7a52-6f0e-4f0e-9a44-0a4f3ad7f5c1")
GRAPH: dict[str, Any] = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {}},
    "2": {"class_type": "KSampler", "inputs": {}, "_meta": {"title": "Draw"}},
    "3": {"class_type": "VAEDecode", "inputs": {}},
    "4": {"class_type": "SaveImage", "inputs": {}},
}
RECORDINGS = Path(__file__).parents[5] / "shared" / "reference" / "comfyui-traces"


def said(kind: str, **data: object) -> Frame:
    frame = frame_from(json.dumps({"type": kind, "data": {"prompt_id": str(PROMPT)} | data}))
    assert frame, "this kind of frame is not listened to"
    return frame


def state(**nodes: tuple[float, float, str]) -> Frame:
    told = {
        node_id[1:]: {"value": value, "max": most, "state": name}
        for node_id, (value, most, name) in nodes.items()
    }
    return said("progress_state", nodes=told)


def after(*frames: Frame) -> Heard:
    return reduce(hear, frames, nothing_heard(PROMPT, GRAPH))


def test_a_sampler_is_told_with_its_title_its_step_and_its_share_of_the_graph() -> None:
    heard = after(
        said("execution_start"),
        said("execution_cached", nodes=["1"]),
        said("executing", node="2", display_node="2"),
        said("progress", node="2", value=12, max=20),
    )

    assert (heard.started, heard.over) == (True, False)
    assert progress_of(heard) == Progress(
        run_id="",
        percent=40,
        message="Draw 12/20",
        node_id="2",
        node_class="KSampler",
        node_title="Draw",
        step=12,
        steps=20,
        nodes_done=1,
        nodes_total=4,
    )


def test_a_node_without_steps_or_title_is_told_by_its_class() -> None:
    told = progress_of(after(said("executing", node="3", display_node="3")))

    assert (told.message, told.node_title, told.step, told.steps) == (
        "VAEDecode",
        "VAEDecode",
        0,
        0,
    )


def test_cached_nodes_are_told_before_any_node_begins() -> None:
    told = progress_of(after(said("execution_cached", nodes=["1", "2"])))

    assert (told.percent, told.message, told.nodes_done) == (50, "2 of 4 nodes cached", 2)


def test_the_whole_picture_is_enough() -> None:
    heard = after(state(n1=(1, 1, "finished"), n2=(5, 10, "running")))

    assert (heard.started, heard.percent, progress_of(heard).message) == (True, 37, "Draw 5/10")


def test_cached_output_nodes_count_when_they_show_their_result() -> None:
    assert after(said("executed", node="4", display_node="4", output={})).percent == 25


def test_nodes_that_are_not_in_the_graph_do_not_count() -> None:
    """Nodes may expand into others while they run."""
    heard = after(
        said("executing", node="2", display_node="2"),
        said("executing", node="2.0.7", display_node="2"),
        state(**{"n2.0.7": (1, 1, "finished"), "n2.0.8": (3, 4, "running")}),
        said("progress", node="2.0.8", value=3, max=4),
        said("execution_cached", nodes=["77"]),
    )

    assert (heard.node_id, heard.done, heard.percent) == ("2", frozenset(), 0)


def test_a_late_frame_does_not_turn_progress_back() -> None:
    late = state(n1=(0, 1, "running"))
    heard = after(state(n1=(1, 1, "finished"), n2=(9, 10, "running")), late)

    assert heard.percent == 47


@pytest.mark.parametrize("most", [0, -3])
def test_a_node_that_counts_to_nothing_is_harmless(most: float) -> None:
    assert after(said("progress", node="2", value=5, max=most)).percent == 0


@pytest.mark.parametrize(
    "end",
    [
        said("execution_success"),
        said("execution_error", node_id="2", exception_message="no\n"),
        said("execution_interrupted", node_id="2"),
        said("executing", node=None),
    ],
    ids=["success", "error", "interrupted", "executing null"],
)
def test_after_the_end_nothing_changes(end: Frame) -> None:
    over = after(said("execution_start"), end)

    assert over.over
    assert hear(over, state(n1=(1, 1, "finished"))) == over


def test_frames_of_other_prompts_or_of_none_change_nothing() -> None:
    foreign = [
        said("execution_success", prompt_id="another"),
        said("executing", prompt_id="", node=None),
        said("executing", prompt_id="", node="2"),
    ]

    assert after(*foreign) == nothing_heard(PROMPT, GRAPH)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"type":"status","data":{"status":{}}}',
        '{"type":"executing"}',
        '{"type":"progress_state","data":{"nodes":7}}',
        '{"type":"crystools.monitor","data":{}}',
    ],
)
def test_what_we_do_not_listen_to_is_no_frame(text: str) -> None:
    assert frame_from(text) is None


FRAMES = [
    said("execution_start"),
    said("execution_cached", nodes=["1", "9"]),
    said("executing", node="2", display_node="2"),
    said("executing", node="3", display_node="3"),
    said("executed", node="4", display_node="4"),
    said("progress", node="2", value=7, max=8),
    said("progress", node="3", value=900, max=8),
    said("progress", node="3", value=-900, max=8),
    state(n1=(1, 1, "finished"), n2=(2, 8, "running")),
    state(n2=(8, 8, "finished"), n3=(1, 2, "running"), n9=(1, 1, "finished")),
    said("executing", prompt_id="another", node=None),
]


@given(st.lists(st.sampled_from(FRAMES)))
def test_progress_never_goes_back_in_whatever_order_frames_come(frames: list[Frame]) -> None:
    percents = [0]
    heard = nothing_heard(PROMPT, GRAPH)
    for frame in frames:
        heard = hear(heard, frame)
        percents.append(progress_of(heard).percent)

    assert percents == sorted(percents)
    assert percents[-1] <= 100


# --- recordings

needs_recordings = pytest.mark.skipif(not RECORDINGS.exists(), reason="no recordings here")
NAMES = sorted(
    str(path.relative_to(RECORDINGS))
    for path in RECORDINGS.glob("**/*.jsonl")
    if "plugin" not in path.parts
)
ENDS = {
    Finished: "execution_success",
    Failed: "execution_error",
    Interrupted: "execution_interrupted",
}
LISTENED = {
    "execution_start",
    "execution_cached",
    "executing",
    "executed",
    "progress",
    "progress_state",
    *ENDS.values(),
}


def lines_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (RECORDINGS / name).read_text().splitlines()]


def graphs_of(lines: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in lines:
        answer = line.get("response_json")
        if line["kind"] == "http" and isinstance(answer, dict) and answer.get("prompt_id"):
            yield answer["prompt_id"], line["request_json"] or {}


def frames_of(lines: list[dict[str, Any]], prompt_id: str) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line["kind"] == "ws_text" and line["msg"]["data"].get("prompt_id") == prompt_id:
            yield line["msg"]


@needs_recordings
@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_frame_we_listen_to_can_be_read(name: str) -> None:
    for line in lines_of(name):
        if line["kind"] == "ws_text":
            listened = line["msg"]["type"] in LISTENED
            assert (frame_from(json.dumps(line["msg"])) is not None) == listened


@needs_recordings
@pytest.mark.parametrize("name", NAMES)
def test_recorded_prompts_are_over_exactly_when_the_server_says_so(name: str) -> None:
    lines = lines_of(name)
    for prompt_id, request in graphs_of(lines):
        messages = list(frames_of(lines, prompt_id))
        # The older version takes any text as an id.
        heard, percents = Heard(prompt_id=prompt_id, graph=request.get("prompt", {})), [0]
        for message in messages:
            frame = frame_from(json.dumps(message))
            assert frame
            heard = hear(heard, frame)
            percents.append(heard.percent)
        ends = [m for m in messages if m["type"] in ENDS.values() or ends_by_null(m)]
        assert heard.over == bool(ends)
        assert percents == sorted(percents)
        assert percents[-1] <= 100


def ends_by_null(message: dict[str, Any]) -> bool:
    return message["type"] == "executing" and message["data"]["node"] is None


@needs_recordings
@pytest.mark.parametrize("name", NAMES)
def test_recorded_histories_agree_with_the_events(name: str) -> None:
    lines = lines_of(name)
    for line in lines:
        if line["kind"] != "http" or not line["path"].startswith("/history/"):
            continue
        answer = line.get("response_json") or {}
        for prompt_id, entry in msgspec.convert(answer, History).items():
            end = ENDS[type(outcome_of(entry, UUID(prompt_id)))]
            heard = {m["type"] for m in frames_of(lines, prompt_id)} & set(ENDS.values())
            assert heard <= {end}
