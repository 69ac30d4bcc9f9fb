"""The stand-in's switches, restarts and the process itself."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from tests.contract.standin_client import DEADLINE, Client, eventually, picture, slow, standin
from tests.standin import Switches

ROOT = Path(__file__).parents[2]


async def test_switches_can_be_set_while_it_runs(tmp_path: Path) -> None:
    async with standin(tmp_path, late=0.5) as (server, client):
        status, answer = await client.post("/standin/switches", {"fail_class": "SaveImage"})
        assert status == 200
        assert answer == await client.get("/standin/switches")
        assert server.switches == Switches(late=0.5, fail_class="SaveImage")


async def test_an_unknown_switch_is_refused(tmp_path: Path) -> None:
    async with standin(tmp_path) as (server, client):
        status, answer = await client.post("/standin/switches", {"fial_class": "SaveImage"})
        assert server.switches == Switches()
    assert (status, "fial_class" in answer["error"]) == (400, True)


async def test_fail_class_makes_its_nodes_raise(tmp_path: Path) -> None:
    async with standin(tmp_path, fail_class="SaveImage") as (_, client):
        entry = await client.run(picture())
    error = entry["status"]["messages"][-1][1]
    assert (error["node_id"], error["exception_type"]) == ("2", "RuntimeError")


async def test_a_silent_one_says_nothing_while_runs_go_on(tmp_path: Path) -> None:
    async with standin(tmp_path, silent=True) as (_, client), client.listening() as ear:
        await ear.next()
        entry = await client.run(picture())
        with pytest.raises(TimeoutError):
            await ear.socket.receive(timeout=0.05)
    assert entry["status"]["completed"]


async def test_a_doubled_one_says_everything_twice(tmp_path: Path) -> None:
    async with standin(tmp_path, doubled=True) as (_, client), client.listening() as ear:
        await ear.next()
        await client.submit(picture())
        events = [*(await ear.until_over()), await ear.next()]
    assert events[::2] == events[1::2]


async def test_a_late_one_tells_of_a_run_that_is_long_over(tmp_path: Path) -> None:
    async with standin(tmp_path, late=0.2) as (_, client), client.listening() as ear:
        await ear.next()
        started = asyncio.get_running_loop().time()
        await client.run(picture())
        over = asyncio.get_running_loop().time() - started
        await ear.until_over()
        told = asyncio.get_running_loop().time() - started
    assert over < 0.2 <= told


async def test_a_hanging_post_has_queued_its_prompt(tmp_path: Path) -> None:
    async with standin(tmp_path, hang_posts=30.0) as (_, client):
        prompt_id = str(uuid4())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.submit(picture(), prompt_id)
        entry = await client.finished(prompt_id)
    assert entry["status"]["completed"]


async def test_uploads_and_views_can_be_refused(tmp_path: Path) -> None:
    async with standin(tmp_path, refuse_uploads=True, drop_views=True) as (_, client):
        await client.run(picture())
        assert await client.status_of("/view?filename=out_00001_.png") == 404
        assert (await client.post("/upload/image", {}))[0] == 500


async def test_steps_and_nodes_take_as_long_as_they_are_told(tmp_path: Path) -> None:
    async with standin(tmp_path, step_seconds=0.02, node_seconds=0.02) as (_, client):
        started = asyncio.get_running_loop().time()
        await client.run(slow(0.0, 3))
        assert asyncio.get_running_loop().time() - started >= 6 * 0.02


async def test_a_restart_forgets_the_history_and_keeps_files_and_counts(tmp_path: Path) -> None:
    async with standin(tmp_path) as (server, client):
        prompt_id = await client.submit(picture())
        await client.finished(prompt_id)
    async with standin(tmp_path, port=server.port) as (again, client):
        assert await client.get("/history") == {}
        assert await client.status_of(f"/api/jobs/{prompt_id}") == 404
        assert await client.status_of("/view?filename=out_00001_.png") == 200
        assert await client.get("/standin/rendered") == {prompt_id: 1}
        assert again.rendered() == {prompt_id: 1}


@asynccontextmanager
async def process(
    directory: Path, *options: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Client]]:
    command = [sys.executable, "-m", "tests.standin", "--port", "0"]
    started = await asyncio.create_subprocess_exec(
        *command, "--dir", str(directory), *options, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert started.stdout
    try:
        async with asyncio.timeout(DEADLINE), aiohttp.ClientSession() as http:
            ready = (await started.stdout.readline()).decode()
            yield started, Client(ready.split()[-1], http)
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_process_within_a_second(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with process(tmp_path) as (server, client), client.listening() as ear:
        await client.submit(slow())
        await ear.until("progress", value=1)
        server.send_signal(number)
        async with asyncio.timeout(1.0):
            assert await server.wait() == os.EX_OK


@pytest.mark.parametrize("place", ["SaveImage", "2"])
async def test_it_dies_where_it_was_told_to(tmp_path: Path, place: str) -> None:
    async with process(tmp_path, "--die-at", place) as (server, client):
        first = await client.submit(slow(0.0, 1) if place == "SaveImage" else slow())
        if place == "2":
            await client.submit(picture())
            await client.post("/interrupt", {"prompt_id": first})
        assert await server.wait() == os.EX_SOFTWARE
    assert (tmp_path / "rendered.log").read_text().split()[0] == first
    assert not list((tmp_path / "output").iterdir())


async def test_the_count_of_executions_survives_a_kill(tmp_path: Path) -> None:
    async with process(tmp_path) as (server, client):
        prompt_id = await client.submit(slow())
        await eventually(lambda: client.get("/standin/rendered"))
        server.kill()
        await server.wait()
    async with standin(tmp_path) as (_, client):
        await client.submit(picture(), prompt_id)
        await client.finished(prompt_id)
        assert await client.get("/standin/rendered") == {prompt_id: 2}


async def test_help_tells_how_to_slow_it_down() -> None:
    command = [sys.executable, "-m", "tests.standin", "--help"]
    told = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    text = (await told.communicate())[0].decode()
    assert all(option in text for option in ("--slow", "--die-at", "/standin/switches"))
