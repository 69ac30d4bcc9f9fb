"""The times of nodes are measured between what was heard, and left out where nothing was."""

import json
from typing import Any

import pytest

from events.run.events import NodeTime
from infra.comfyui.watch.frames import Frame, frame_from
from infra.comfyui.watch.node_times import (
    LONGEST_TITLE,
    MOST,
    Clock,
    clocked,
    deafened,
    node_times,
    reminded,
)

GRAPH: dict[str, Any] = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {}},
    "2": {"class_type": "KSampler", "inputs": {}, "_meta": {"title": "Draw"}},
    "3": {"class_type": "SaveImage", "inputs": {}, "_meta": {"title": "SaveImage"}},
}


def said(kind: str, **data: object) -> Frame:
    frame = frame_from(json.dumps({"type": kind, "data": {"prompt_id": "p"} | data}))
    assert frame, "this kind of frame is not listened to"
    return frame


def state(**nodes: str) -> Frame:
    told = {name[1:]: {"value": 0, "max": 1, "state": word} for name, word in nodes.items()}
    return said("progress_state", nodes=told)


def begins(node_id: str | None) -> Frame:
    return said("executing", node=node_id, display_node=node_id)


def after(*heard: tuple[float, Frame], clock: Clock | None = None) -> Clock:
    clock = clock or Clock(graph=GRAPH, deaf=False)
    for at, frame in heard:
        clock = clocked(clock, frame, at)
    return clock


def seconds(clock: Clock) -> dict[str, float]:
    return {node.node_id: node.seconds for node in node_times(clock) if not node.cached}


def test_a_node_of_an_old_comfyui_is_over_when_the_next_begins() -> None:
    clock = after((1, begins("1")), (4, begins("2")), (9, begins("3")), (9.5, begins(None)))
    assert node_times(clock) == (
        NodeTime(node_id="1", class_type="CheckpointLoaderSimple", seconds=3),
        NodeTime(node_id="2", class_type="KSampler", title="Draw", seconds=5),
        NodeTime(node_id="3", class_type="SaveImage", seconds=0.5),
    )


def test_nodes_side_by_side_are_over_when_comfyui_says_so() -> None:
    clock = after(
        (1, state(n1="running")),
        (2, state(n1="running", n2="running")),
        (2, begins("2")),
        (5, state(n1="finished", n2="running")),
        (7, state(n1="finished", n2="finished")),
    )
    assert seconds(clock) == {"1": 4, "2": 5}


def test_an_output_node_is_over_with_its_result_and_a_failing_one_with_the_error() -> None:
    shown = after((1, begins("3")), (2, said("executed", node="3")), (9, begins(None)))
    assert seconds(shown) == {"3": 1}
    assert seconds(after((1, begins("2")), (4, said("execution_error")))) == {"2": 3}


def test_what_ended_or_began_while_nobody_listened_is_left_out() -> None:
    before = after((1, begins("1")), (2, begins("2")))
    clock = after(
        (8, state(n1="finished", n2="finished", n3="running")),
        (10, said("execution_success")),
        clock=deafened(before),
    )
    assert seconds(clock) == {"1": 1}


@pytest.mark.parametrize(
    "heard",
    [
        [(16, said("executed", node="2"))],
        [(9, state(n1="finished", n2="running")), (16, state(n1="finished", n2="finished"))],
        [(9, begins("2")), (16, begins("3"))],
        ["reminder", (16, state(n1="finished", n2="finished"))],
        ["reminder", "lost", "reminder", (16, begins("3"))],
        ["lost", "lost", "reminder", (16, said("execution_error"))],
    ],
    ids=["its result", "its state", "executing", "reminded", "reminded twice", "and it fails"],
)
def test_a_node_that_runs_before_and_after_a_lost_connection_ran_all_the_while(
    heard: list[Any],
) -> None:
    clock = deafened(after((1, begins("1")), (2, begins("2"))))
    for word in heard:
        if word == "lost":
            clock = deafened(clock)
        elif word == "reminder":
            clock = reminded(clock, "2", 9)
        else:
            clock = after(word, clock=clock)
    assert seconds(after((16, said("execution_success")), clock=clock))["2"] == 14


def test_whoever_connects_late_is_told_the_node_that_runs() -> None:
    missed_nothing = reminded(Clock(graph=GRAPH, deaf=False), "1", 1)
    assert seconds(after((5, state(n1="finished")), clock=missed_nothing)) == {"1": 4}

    in_the_middle = reminded(Clock(graph=GRAPH), "1", 1)
    clock = after((5, state(n1="finished")), (6, state(n2="running")), clock=in_the_middle)
    assert seconds(after((8, said("execution_success")), clock=clock)) == {"2": 2}


def test_a_watch_that_begins_in_the_middle_does_not_guess() -> None:
    late = Clock(graph=GRAPH)
    clock = after((5, state(n2="running")), (9, state(n2="finished", n3="running")), clock=late)
    assert seconds(after((10, begins(None)), clock=clock)) == {"3": 1}


def test_a_watch_that_hears_the_start_has_missed_nothing() -> None:
    clock = after((1, said("execution_start")), (1, state(n1="running")), clock=Clock(graph=GRAPH))
    assert seconds(after((3, said("execution_success")), clock=clock)) == {"1": 2}


def test_cached_nodes_are_told_by_events_and_by_the_history() -> None:
    clock = after((1, said("execution_cached", nodes=["1", "77"])))
    cached = NodeTime(node_id="1", class_type="CheckpointLoaderSimple", cached=True)
    assert node_times(clock) == (cached,)
    assert node_times(Clock(graph=GRAPH), cached=frozenset({"1", "77"})) == (cached,)


def test_nodes_that_are_not_in_the_graph_are_not_told() -> None:
    clock = after((1, begins("2")), (2, state(**{"n2": "running", "n2.0.7": "running"})))
    assert seconds(after((5, begins(None)), clock=clock)) == {"2": 4}


def test_of_a_giant_graph_the_slowest_nodes_are_told_in_few_words() -> None:
    graph = {str(n): {"class_type": "N", "_meta": {"title": "t" * 999}} for n in range(MOST + 9)}
    clock = Clock(graph=graph, took={node_id: float(node_id) for node_id in graph})
    told = node_times(clock)
    assert [node.node_id for node in told] == [str(n) for n in range(9, MOST + 9)]
    assert {len(node.title) for node in told} == {LONGEST_TITLE}
