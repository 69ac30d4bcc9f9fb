"""An example of an answer shows no secret and no place, and does not outlive a change of shape."""

import pytest

from tests.observe.recorded_answers import alike, excerpt, shaped, without_what_differs

STREAM = (
    'retry: 2000\nid: 1\nevent: run.created\ndata: {"at":"x"}\n\n'
    'id: 2\nevent: run.claimed\ndata: {"attempt":1}\n\n'
    "id: 3\nevent: run.started\ndata: {}\n\n"
    'id: 4\nevent: done\ndata: {"status":"success"}\n\n'
)


@pytest.mark.parametrize(
    ("live", "example"),
    [
        ({"a": 1}, {"a": 2.5}),
        ({"a": None}, {"a": {"b": 1}}),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 3}]}),
        ({"a": [{}, {"b": 2}]}, {"a": [{"b": 3}, {}]}),
        ({"a": []}, {"a": ["x"]}),
    ],
)
def test_answers_with_the_same_keys_and_types_are_alike(live: object, example: object) -> None:
    assert alike(live, example)


@pytest.mark.parametrize(
    ("live", "example"),
    [
        ({"a": 1, "b": 1}, {"a": 1}),
        ({"a": 1}, {"a": 1, "b": 1}),
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": True}),
        ({"a": [{"b": 1}, {"c": 1}]}, {"a": [{"b": 1}]}),
        ({"a": 1}, {}),
    ],
)
def test_another_key_or_type_is_noticed(live: object, example: object) -> None:
    assert not alike(live, example)


def test_a_stream_is_told_by_its_beginning_and_its_end() -> None:
    short = excerpt(STREAM)

    assert [*shaped(short)] == ["event run.created", "event run.claimed", "event done"]
    assert alike(shaped(STREAM), shaped(short))
    assert not alike(shaped(STREAM), shaped(short.replace('"attempt":1', '"attempt":"1"')))


def test_what_differs_each_time_is_not_written_down() -> None:
    key = "cfd_AaImXoF_cR2RKzea8lMr1EVCDHm_srqUSih4j3Fy-zJ0H1BRyPaKcBsDStbMc7gS"
    run, machine = "01a2265e-7fee-7437-851d-e07d41b1b0e9", "d711d60b-3a7f-504f-bc6b-bd2a5b418c59"
    answer = {
        "id": run,
        "self": f"/v1/runs/{run}",
        "machine_id": machine,
        "key": key,
        "prefix": key[:12],
        "url": "http://127.0.0.1:18697/comfyd/card.png",
        "by": "worker:some-host:123",
        "created_at": "2026-11-29T08:14:17.003000Z",
        "ended_at": "2026-11-29T08:14:19.503Z",
        "expires_at": "2036-01-01T00:00:00Z",
    }

    told = without_what_differs({"key": answer}, {machine: "known"})["key"]

    assert told == {
        "id": told["id"],
        "self": f"/v1/runs/{told['id']}",
        "machine_id": "known",
        "key": "cfd_EXAMPLE1".ljust(len(key), "x"),
        "prefix": "cfd_EXAMPLE1",
        "url": "https://files.example.com/comfyd/card.png",
        "by": "worker:gpu-host:41",
        "created_at": "2026-01-05T09:30:00.000000Z",
        "ended_at": "2026-01-05T09:30:02.500Z",
        "expires_at": "2036-01-01T00:00:00Z",
    }
    assert told["id"] != run
