"""What callbacks of the plugin say, key by key; and what 30 recorded scenarios come to."""

import json
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.comfyui.plugin.callbacks import (
    LONGEST_LOG,
    MOST_IMAGES,
    Callback,
    EncodedImage,
    read_callback,
)
from infra.comfyui.watch.frames import (
    About,
    Erred,
    Executing,
    Frame,
    Node,
    Started,
    Stepped,
    Stopped,
    Succeeded,
    Summary,
    SummedUp,
)
from infra.comfyui.watch.progress import Heard, hear, nothing_heard, progress_of
from infra.machine_driver import Lost
from tests.interop.plugin_traces import GRAPH, PROMPT, Trace, disturbed, traces

ID = str(PROMPT)
OVER = Executing(data=Node(prompt_id=ID, node=None))


def said(**body: Any) -> Callback:
    callback = read_callback(json.dumps({"run_id": ID} | body).encode())
    assert callback
    return callback


@pytest.mark.parametrize(
    ("body", "frames"),
    [
        ({"status": "running"}, (Started(data=About(prompt_id=ID)),)),
        ({"status": "success"}, (OVER,)),
        ({"status": "failed"}, (OVER,)),
        ({"status": "cancelled"}, ()),
        ({"status": "uploading"}, ()),
        ({"status": 3}, ()),
        (
            {"live_status": "Executing KSampler", "progress": 0.5},
            (SummedUp(data=Summary(prompt_id=ID, words="Executing KSampler", share=0.5)),),
        ),
        (
            {"live_status": "Executing KSampler", "progress": "half"},
            (SummedUp(data=Summary(prompt_id=ID, words="Executing KSampler")),),
        ),
        (
            {"live_status": "Executing KSampler", "progress": float("nan")},
            (SummedUp(data=Summary(prompt_id=ID, words="Executing KSampler")),),
        ),
        ({"live_status": None, "progress": 0.5}, ()),
        (
            {"ws_event": {"event": "execution_success", "data": {"prompt_id": ID}}},
            (Succeeded(data=About(prompt_id=ID)),),
        ),
        ({"ws_event": {"event": "execution_success", "data": {"prompt_id": "another"}}}, ()),
        ({"ws_event": {"event": "a custom node's", "data": {}}}, ()),
        ({"ws_event": "nothing"}, ()),
        ({"output_data": []}, ()),
        ({"node_meta": {}, "gpu_event_id": "g", "time": "t", "modal_function_call_id": "m"}, ()),
    ],
)
def test_each_key_says_what_comfyui_would_have_said(
    body: dict[str, Any], frames: tuple[Frame, ...]
) -> None:
    assert said(**body) == Callback(prompt_id=ID, frames=frames)


def test_one_callback_may_say_several_things() -> None:
    callback = said(
        ws_event={"event": "progress", "data": {"prompt_id": ID, "node": "3", "value": 1}},
        status="failed",
        output_data={"images": [{"filename": "a.png", "data": "iVBO"}]},
    )

    assert [type(frame) for frame in callback.frames] == [Stepped, Executing]
    assert callback.images == (EncodedImage(filename="a.png", data="iVBO"),)


@pytest.mark.parametrize(
    "outputs",
    [
        {"images": [{"filename": "a.png", "url": "https://elsewhere.test/a.png"}]},
        {"images": [{"filename": "a.png", "data": "iVBO", "type": "temp"}]},
        {"images": [{"data": "iVBO"}, {"filename": 1, "data": "iVBO"}, "a.png", None]},
        {"images": "iVBO"},
        [{"filename": "a.png", "data": "iVBO"}],
        "iVBO",
        None,
    ],
)
def test_what_brings_no_bytes_brings_no_image(outputs: Any) -> None:
    assert said(output_data=outputs).images == ()


def test_more_images_than_a_run_may_have_are_not_looked_at() -> None:
    many = [{"filename": f"{n}.png", "data": "iVBO"} for n in range(MOST_IMAGES + 5)]

    assert len(said(output_data={"images": many[:300], "files": many[300:]}).images) == MOST_IMAGES


@pytest.mark.parametrize(
    ("body", "log"),
    [
        ({"log_data": [{"logs": "one"}, {"logs": "two"}]}, "one\ntwo"),
        ({"logs": [{"logs": "one", "timestamp": 1}, {"logs": ""}]}, "one"),
        ({"logs": [{"logs": "x" * LONGEST_LOG}, {"logs": "the end"}]}, "x" * 99_992 + "\nthe end"),
        ({"logs": [{"logs": "\ud800 half"}]}, "? half"),
        ({"logs": [{"logs": 3}, "one", None], "log_data": "one"}, ""),
    ],
)
def test_the_end_of_a_log_is_read(body: dict[str, Any], log: str) -> None:
    assert said(**body) == Callback(prompt_id=ID, log=log)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"a"', b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_object_cannot_be_read(body: bytes) -> None:
    assert read_callback(body) is None


@pytest.mark.parametrize("run_id", [None, 5, [], {}])
def test_an_id_that_is_none_names_no_prompt(run_id: Any) -> None:
    assert said(run_id=run_id, status="running").prompt_id == ""


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_KEYS = (
    "run_id",
    "ws_event",
    "status",
    "live_status",
    "progress",
    "output_data",
    "logs",
    "log_data",
)


@given(body=st.dictionaries(st.sampled_from(_KEYS), _json))
def test_a_callback_may_hold_anything(body: dict[str, Any]) -> None:
    assert read_callback(json.dumps(body).encode())


def heard_of(callbacks: list[dict[str, Any]]) -> Heard:
    frames = [f for body in callbacks for f in said(**body).frames]
    return reduce(hear, frames, nothing_heard(PROMPT, GRAPH))


@pytest.mark.parametrize("name", traces())
def test_of_each_recorded_scenario_the_end_is_heard_if_there_was_one(name: str) -> None:
    trace: Trace = traces()[name]
    said_over = any("status" in c and c["status"] == "failed" for c in trace.callbacks)

    assert heard_of(trace.callbacks).over == (trace.outcome() != Lost() or said_over)


@given(data=st.data(), name=st.sampled_from(sorted(traces())))
def test_callbacks_in_any_order_twice_and_with_losses_never_go_back(
    data: st.DataObject, name: str
) -> None:
    some = data.draw(disturbed(traces()[name].callbacks))

    percents = [0]
    heard = nothing_heard(PROMPT, GRAPH)
    for frame in (f for body in some for f in said(**body).frames):
        before, heard = heard, hear(heard, frame)
        percents.append(progress_of(heard).percent)
        assert heard.over or not before.over
    assert percents == sorted(percents)
    assert percents[-1] <= 100


def test_where_events_were_lost_the_summary_stands_for_them() -> None:
    summaries = [c for c in traces()["upstream_image"].callbacks if "live_status" in c]
    progress = progress_of(heard_of(summaries))

    assert (progress.percent, progress.message) == (75, "Executing SaveImage")


def test_the_ends_of_a_prompt_are_those_of_comfyui() -> None:
    ends = {
        "execution_error": Erred(data=About(prompt_id=ID)),
        "execution_interrupted": Stopped(data=About(prompt_id=ID)),
    }
    for event, frame in ends.items():
        assert said(ws_event={"event": event, "data": {"prompt_id": ID}}).frames == (frame,)
