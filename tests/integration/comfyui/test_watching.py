"""A prompt is followed through lost connections, odd events and silence."""

import asyncio
from uuid import uuid4

import pytest
from aiohttp import WSCloseCode

from infra.comfyui.driver import ComfyUIMachine, open_comfyui
from infra.comfyui.watch.listening import MESSAGE_LIMIT
from infra.machine_driver import (
    Failed,
    MachineUnreachable,
)
from tests.fakes.comfyui_answers import (
    CUT,
    FINISHED,
    GRAPH,
    HISTORY,
    IN_PROGRESS,
    JOB,
    NESTED,
    PENDING,
    PROMPT,
    SUCCESS,
    UNFINISHED,
    Recorder,
    event,
    queue,
    watch,
)
from tests.fakes.scripted_comfyui import Reply, ScriptedComfyUI


async def test_a_frame_that_is_too_large_is_not_kept_and_the_end_is_heard_all_the_same(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    script.frames = [[MESSAGE_LIMIT], [NESTED.body.decode()]]
    script.answer(HISTORY, UNFINISHED, UNFINISHED, UNFINISHED, SUCCESS)
    script.answer(JOB, IN_PROGRESS)

    assert (await watch(machine))[0] == FINISHED
    assert script.close_codes[0] == WSCloseCode.MESSAGE_TOO_BIG, "it was refused by its length"


async def test_a_history_that_comes_late_is_waited_for(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    script.frames = [[event("execution_success", prompt_id=str(PROMPT))]]
    script.answer(HISTORY, *[UNFINISHED] * 8, SUCCESS)
    script.answer(JOB, IN_PROGRESS)

    assert (await watch(machine))[0] == FINISHED
    assert script.sockets == 1


async def test_foreign_odd_and_binary_frames_change_nothing(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    foreign = str(uuid4())
    script.frames = [
        [
            "not json",
            event("execution_success", prompt_id=foreign),
            event("execution_start", prompt_id=foreign),
            event("executing", node="1", prompt_id=foreign),
            event("executing", node="2"),
            event("executing", node=None),
            event("progress", value="many", prompt_id=str(PROMPT)),
            event("execution_interrupted", prompt_id=foreign),
            event("crystools.monitor", prompt_id=str(PROMPT)),
            b"\x00\x00\x00\x01\x00\x00\x00\x01" + bytes(5_000_000),
        ]
    ]
    script.answer(HISTORY, UNFINISHED, UNFINISHED, SUCCESS)
    script.answer(JOB, PENDING)
    script.answer("GET /queue", queue(running=uuid4(), pending=PROMPT))
    outcome, report = await watch(machine)

    assert outcome == FINISHED
    assert (report.runs, report.told) == (0, [])


async def test_a_deaf_connection_is_replaced_once_it_is_closed(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    script.frames = [[], [], [event("execution_success", prompt_id=str(PROMPT))]]
    script.answer(HISTORY, *[UNFINISHED] * 4, SUCCESS)
    script.answer(JOB, IN_PROGRESS)
    outcome, report = await watch(machine)

    assert (outcome, report.runs) == (FINISHED, 1)
    assert (script.sockets, script.most_open_sockets) == (3, 1)


async def test_a_machine_whose_worker_died_is_given_up(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    script.answer(HISTORY, UNFINISHED)
    script.answer(JOB, PENDING)
    script.answer("GET /queue", queue(pending=PROMPT))

    with pytest.raises(MachineUnreachable, match="worker thread is dead"):
        await watch(machine)
    assert {asked.method for asked in script.asked} == {"GET"}


async def test_one_question_without_an_answer_is_not_the_end(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    script.answer(HISTORY, UNFINISHED, CUT, UNFINISHED, SUCCESS)
    script.answer(JOB, PENDING)
    script.answer("GET /queue", CUT, queue())

    assert (await watch(machine))[0] == FINISHED


async def test_a_watch_that_is_cancelled_leaves_no_connection(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    script.answer(HISTORY, UNFINISHED)
    script.answer(JOB, IN_PROGRESS)
    watching = asyncio.create_task(machine.watch(PROMPT, GRAPH, Recorder()))
    async with asyncio.timeout(30):
        while not script.sockets:  # noqa: ASYNC110 -- a poll with a deadline
            await asyncio.sleep(0.01)
        watching.cancel()
        await script.no_sockets.wait()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert script.sockets == 1


async def test_a_connection_may_live_longer_than_an_answer_may_take(
    script: ScriptedComfyUI,
) -> None:
    script.answer(HISTORY, UNFINISHED, UNFINISHED, SUCCESS)
    script.answer(JOB, IN_PROGRESS)
    machine = await open_comfyui(script.url, silence=0.5, answer_within=0.1, allow_private=True)

    assert (await watch(machine))[0] == FINISHED
    assert script.sockets == 2, "the second one is because of the silence"
    await machine.close()


async def test_a_prompt_may_wait_behind_others_for_longer_than_the_patience(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    script.answer(HISTORY, *[UNFINISHED] * 22, SUCCESS)
    script.answer(JOB, PENDING)
    script.answer("GET /queue", queue(running=uuid4(), pending=PROMPT))
    started = asyncio.get_running_loop().time()

    assert (await watch(machine))[0] == FINISHED
    assert asyncio.get_running_loop().time() - started > 2 * 1


async def test_a_machine_that_refuses_sockets_is_watched_all_the_same(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    script.answer(HISTORY, UNFINISHED, CUT, SUCCESS)
    script.answer(JOB, IN_PROGRESS)
    script.accepts_sockets = False
    outcome, report = await watch(machine)

    assert (outcome, report.runs) == (FINISHED, 1)


async def test_a_failure_is_read_from_the_history(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    error = {"node_id": "1", "node_type": "EmptyImage", "exception_type": "ValueError"}
    entry = {
        "outputs": {},
        "status": {
            "status_str": "error",
            "completed": False,
            "messages": [
                ["execution_start", {}],
                ["execution_error", error | {"exception_message": "no paint\n"}],
            ],
        },
    }
    script.answer(HISTORY, Reply({str(PROMPT): entry}))

    assert (await watch(machine))[0] == Failed(
        message="no paint", node_id="1", node_class="EmptyImage", exception="ValueError"
    )
