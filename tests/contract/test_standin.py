"""The stand-in behaves as the facts about ComfyUI say: runs, their events, queue, cancelling."""

from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest

from tests.contract.standin_client import CLIENT, Client, node, picture, slow, standin
from tests.standin import prompt_queue
from tests.standin.nodes.catalogue import CLASSES
from tests.standin.prompt_queue import Prompt, PromptQueue

SAVED = {"images": [{"filename": "out_00001_.png", "subfolder": "", "type": "output"}]}


async def test_a_run_tells_its_events_in_comfyuis_order(tmp_path: Path) -> None:
    async with standin(tmp_path) as (_, client), client.listening() as ear:
        prompt_id = await client.submit(picture())
        events = await ear.until_over()
    assert [event["type"] for event in events] == [
        *["status"] * 3,
        *["execution_start", "execution_cached"],
        *["progress_state", "executing", "progress_state"],
        *["progress_state", "executing", "executed", "progress_state"],
        *["execution_success", "status", "executing"],
    ]
    assert events[0]["data"]["sid"] == CLIENT
    executed = {"node": "2", "display_node": "2", "output": SAVED, "prompt_id": prompt_id}
    assert events[10]["data"] == executed
    assert events[-1]["data"] == {"node": None, "prompt_id": prompt_id}


async def test_an_unchanged_graph_is_cached_and_names_the_earlier_file(tmp_path: Path) -> None:
    async with standin(tmp_path) as (_, client), client.listening() as ear:
        await client.run(picture())
        await ear.until_over()
        again = await client.submit(picture())
        events = await ear.until_over()
    told = [(e["type"], e["data"]) for e in events if e["type"] not in ("status", "progress_state")]
    assert [name for name, _ in told] == [
        *["execution_start", "execution_cached", "executed", "execution_success", "executing"]
    ]
    assert told[1][1]["nodes"] == ["1", "2"]
    assert told[2][1] == {"node": "2", "display_node": "2", "output": SAVED, "prompt_id": again}


async def test_a_failing_node_ends_the_run_and_earlier_outputs_stay(tmp_path: Path) -> None:
    graph = {
        **picture(),
        "3": node("StandinFail", image=["1", 0], message="no luck", seed=1),
        "4": node("SaveImage", images=["3", 0], filename_prefix="never"),
    }
    async with standin(tmp_path) as (_, client):
        entry = await client.run(graph)
    name, error = entry["status"]["messages"][-1]
    assert (entry["status"]["status_str"], name) == ("error", "execution_error")
    assert entry["outputs"] == {"2": SAVED}
    assert {key: error[key] for key in ("node_id", "exception_type", "exception_message")} == {
        "node_id": "3",
        "exception_type": "ValueError",
        "exception_message": "no luck\n",
    }


@pytest.mark.parametrize("named", [True, False])
async def test_an_interrupt_stops_the_running_prompt(tmp_path: Path, named: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    async with standin(tmp_path) as (_, client), client.listening() as ear:
        prompt_id = await client.submit(slow())
        await ear.until("progress", value=1)
        await client.post("/interrupt", {"prompt_id": prompt_id} if named else {})
        await ear.until("execution_interrupted", prompt_id=prompt_id, node_id="2")
        entry = await client.finished(prompt_id)
        job = await client.get(f"/api/jobs/{prompt_id}")
    assert (entry["status"]["status_str"], entry["outputs"]) == ("error", {})
    assert job["status"] == "cancelled"


async def test_an_interrupt_of_another_prompt_has_no_effect(tmp_path: Path) -> None:
    async with standin(tmp_path) as (_, client), client.listening() as ear:
        prompt_id = await client.submit(slow(0.05, 5))
        await ear.until("progress", value=1)
        await client.post("/interrupt", {"prompt_id": str(uuid4())})
        entry = await client.finished(prompt_id)
    assert entry["status"]["status_str"] == "success"


@pytest.mark.parametrize("way", ["queue", "job", "jobs"])
async def test_a_cancelled_pending_prompt_leaves_no_trace(tmp_path: Path, way: str) -> None:
    async with standin(tmp_path) as (server, client):
        running = await client.submit(slow())
        pending = await client.submit(picture())
        await cancel(client, pending, way)
        queue = await client.get("/queue")
        assert [item[1] for item in queue["queue_running"]] == [running]
        assert queue["queue_pending"] == []
        assert await client.get(f"/history/{pending}") == {}
        assert await client.status_of(f"/api/jobs/{pending}") == 404
        assert server.rendered() == {running: 1}


async def cancel(client: Client, prompt_id: str, way: str) -> None:
    if way == "queue":
        assert await client.post("/queue", {"delete": [prompt_id]}) == (200, b"")
    elif way == "job":
        answer = await client.post(f"/api/jobs/{prompt_id}/cancel", {})
        assert answer == (200, {"cancelled": True})
    else:
        answer = await client.post("/api/jobs/cancel", {"job_ids": [prompt_id]})
        assert answer == (200, {"cancelled": True})


async def test_the_same_id_twice_runs_twice(tmp_path: Path) -> None:
    async with standin(tmp_path) as (server, client):
        prompt_id = await client.submit(picture(colour=1))
        await client.finished(prompt_id)
        await client.submit(picture(colour=2), prompt_id)
        last = await client.run(picture(colour=3))
        entry = await client.finished(prompt_id)
        assert Counter(server.rendered().values()) == {2: 1, 1: 1}
    assert entry["outputs"]["2"]["images"][0]["filename"] == "out_00002_.png"
    assert last["outputs"]["2"]["images"][0]["filename"] == "out_00003_.png"


async def test_front_and_low_numbers_overtake(tmp_path: Path) -> None:
    async with standin(tmp_path) as (_, client):
        running = await client.submit(slow())
        plain = await client.submit(picture())
        low = await client.submit(picture(), number=0.5)
        front = await client.submit(picture(), front=True)
        queue = await client.get("/queue")
    assert [item[1] for item in queue["queue_running"]] == [running]
    assert [item[1] for item in queue["queue_pending"]] == [front, low, plain]


async def test_a_hundred_prompts_run_one_after_the_other(tmp_path: Path) -> None:
    async with standin(tmp_path) as (server, client):
        ids = [await client.submit(picture(colour=n), client_id="nobody") for n in range(100)]
        await client.finished(ids[-1])
        history = await client.get("/history")
        assert server.rendered() == dict.fromkeys(ids, 1)
    assert list(history) == ids


async def test_only_the_latest_ten_thousand_stay_in_the_history() -> None:
    queue = PromptQueue(lambda: None)
    for number in range(prompt_queue.HISTORY_LIMIT + 1):
        queue.put(Prompt(number=number, prompt_id=str(number), graph={}, extra={}, outputs=()))
        await queue.take()
        queue.finish({})
    assert len(queue.history) == 10_000
    assert "0" not in queue.history


async def test_object_info_describes_exactly_the_classes(tmp_path: Path) -> None:
    async with standin(tmp_path) as (_, client):
        described = await client.get("/object_info")
        assert await client.get("/api/object_info/NoSuchNode") == {}
        assert await client.get("/object_info/KSampler") == {"KSampler": described["KSampler"]}
    assert described.keys() == CLASSES.keys()
    assert described["CheckpointLoaderSimple"]["input"] == {
        "required": {"ckpt_name": [["standin.safetensors"], {}]}
    }


async def test_who_connects_mid_run_hears_only_which_node_runs(tmp_path: Path) -> None:
    async with standin(tmp_path) as (_, client):
        async with client.listening() as first:
            await client.submit(slow())
            await first.until("progress", value=1)
        async with client.listening() as second:
            greeting = await second.next()
            running = await second.next()
    assert greeting["data"]["status"] == {"exec_info": {"queue_remaining": 1}}
    assert running == {"type": "executing", "data": {"node": "2"}}


async def test_when_the_older_of_two_sockets_closes_the_newer_goes_silent(tmp_path: Path) -> None:
    async with standin(tmp_path) as (_, client), client.listening("witness") as witness:
        async with client.listening() as old:
            await old.next()
            new = await client.http.ws_connect(f"{client.url}/ws?clientId={CLIENT}")
            await new.receive_json()
        await client.run(picture())
        await witness.until("status", status={"exec_info": {"queue_remaining": 0}})
        with pytest.raises(TimeoutError):
            await new.receive(timeout=0.05)
        assert not new.closed
        await new.close()


async def test_without_a_client_id_progress_goes_to_everybody(tmp_path: Path) -> None:
    async with standin(tmp_path) as (_, client), client.listening("bystander") as ear:
        await client.run(picture(), client_id=None)
        await client.post("/queue", {"clear": True})
        heard = [(await ear.next())["type"] for _ in range(9)]
    assert set(heard) == {"status", "progress_state"}


async def test_a_loaded_file_that_vanished_fails_its_run_only(tmp_path: Path) -> None:
    graph = {"1": node("LoadImage", image="in.png"), "2": node("PreviewImage", images=["1", 0])}
    async with standin(tmp_path) as (_, client):
        (tmp_path / "input/in.png").write_bytes(b"")
        running = await client.submit(slow())
        waiting = await client.submit(graph)
        (tmp_path / "input/in.png").unlink()
        await client.post("/interrupt", {"prompt_id": running})
        entry = await client.finished(waiting)
        after = await client.run(picture())
    assert entry["status"]["messages"][-1][1]["exception_type"] == "FileNotFoundError"
    assert after["status"]["completed"]


async def test_inputs_the_class_does_not_know_count_for_nothing(tmp_path: Path) -> None:
    graph = picture()
    graph["2"]["inputs"]["speculation"] = ["no", "link"]
    async with standin(tmp_path) as (_, client):
        entry = await client.run(graph)
        again = await client.run(picture())
    assert entry["outputs"] == again["outputs"] == {"2": SAVED}
