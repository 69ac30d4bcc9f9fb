"""Replays recorded traffic of a real ComfyUI 0.33 against the stand-in and compares the answers.

Compared: status code, content type and the JSON of every HTTP answer; for every prompt, the frames
each socket got, in order. In JSON, keys, types and the words in recordings.EXACT count; other
values (timestamps, texts, tensors) only by type. A GET may be asked again until it agrees, for
the recorder waited before it asked. Slow nodes are five times as fast.

Left out, and why:
- uploads, ws_origin_and_deflate, stalled_reader: what was sent is not in the recordings;
- reconnect: which steps are missed depends on the clock; test_standin.py has the scenario;
- ksampler_tiny_random_model, and single runs of ImageBlur and SaveImageWebsocket: no such classes;
- server_killed_mid_run: a restarted stand-in is a scenario of test_standin.py;
- worker_thread_killed_by_same_number_and_id, and client_id as a list: the stand-in does not break;
- `status` frames: how many are left at which moment depends on the clock;
- object_info, system_stats, models and the like: they list what is installed there;
- input_config, traceback, current_outputs: texts, tooltips and the order of a set;
- the two bodies that were not recorded: the one of 100 MiB, and JSON sent as text/plain;
- /view?channel=: the stand-in does not take channels apart.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.contract.recordings import Line, Replay, normalised
from tests.standin import serve

TRACES = Path(__file__).parents[3] / "shared/reference/comfyui-traces"
if not TRACES.is_dir():
    pytest.skip("no recordings here", allow_module_level=True)

RECORDINGS = (
    "binary_previews_and_feature_flags",
    "cached_run_after_output_file_was_deleted",
    "interleaved_clients",
    "no_client_id",
    "odd_values_that_break_the_server",
    "prompt-requests",
    "queue_and_cancel_pending",
    "rest-basics",
    "run_error",
    "run_interrupted",
    "run_success_then_cached",
)
ITS_END = "client_id a list: the whole process ends"


def lines_of(recording: str) -> list[Line]:
    text = (TRACES / f"{recording}.jsonl").read_text("utf-8").replace("TestPeer", "Standin")
    lines = [json.loads(line) for line in text.splitlines()]
    ends = [i for i, line in enumerate(lines) if line.get("text") == ITS_END]
    kept = lines[: ends[0]] if ends else lines
    if recording == "prompt-requests":
        # Whether a run of some milliseconds is seen in the queue depends on the clock.
        kept = [line for line in kept if line.get("path") != "/queue"]
    return sorted(kept, key=lambda line: float(line.get("sent_ms", line["t_ms"])))


@asynccontextmanager
async def replaying(directory: Path) -> AsyncIterator[Replay]:
    async with serve(directory) as server, aiohttp.ClientSession() as http:
        replay = Replay(server.url, http, directory / "output")
        replay.names["127.0.0.1:28188"] = f"127.0.0.1:{server.port}"
        try:
            yield replay
        finally:
            for socket in replay.sockets.values():
                await socket.close()
            await asyncio.gather(*replay.ears)


@pytest.mark.parametrize("recording", RECORDINGS)
async def test_the_standin_answers_as_the_recorded_server_did(
    recording: str, tmp_path: Path
) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "input/bad.png").write_text("no picture")
    async with replaying(tmp_path) as replay:
        for line in lines_of(recording):
            await replay.play(line)
        await replay.settle()
        wanted = {key: normalised(replay.ours(e)) for key, e in replay.expected.items()}
        heard = {key: normalised(e) for key, e in replay.heard.items() if "status" not in key[1]}
    assert heard == wanted
