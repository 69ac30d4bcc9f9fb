"""What a machine says of a prompt, and how one is stopped."""

from uuid import uuid4

import pytest

from infra.comfyui.driver import ComfyUIMachine
from infra.machine_driver import (
    Finished,
    Lost,
    MachineUnreachable,
    Running,
    Waiting,
)
from tests.fakes.comfyui_answers import (
    CANCEL,
    CUT,
    FINISHED,
    HISTORY,
    IN_PROGRESS,
    JOB,
    NO_JOB,
    PROMPT,
    SUCCESS,
    UNFINISHED,
    queue,
)
from tests.fakes.scripted_comfyui import Asked, Reply, ScriptedComfyUI


@pytest.mark.parametrize(
    ("waits", "state"),
    [
        (queue(running=PROMPT), Running()),
        (queue(running=uuid4(), pending=PROMPT), Waiting()),
        (queue(running=uuid4()), Lost()),
    ],
    ids=["running", "waiting", "lost"],
)
async def test_an_old_machine_is_asked_for_its_queue(
    script: ScriptedComfyUI, machine: ComfyUIMachine, waits: Reply, state: object
) -> None:
    script.answer(HISTORY, UNFINISHED)
    script.answer("GET /queue", waits)

    assert await machine.look_up(PROMPT) == state


@pytest.mark.parametrize("old", [True, False])
async def test_a_prompt_that_ends_between_two_questions_is_not_lost(
    script: ScriptedComfyUI, machine: ComfyUIMachine, *, old: bool
) -> None:
    script.answer(HISTORY, UNFINISHED, SUCCESS)
    script.answer("GET /queue", queue())
    if not old:
        script.answer(JOB, NO_JOB)

    assert await machine.look_up(PROMPT) == FINISHED


@pytest.mark.parametrize("reply", [CUT, Reply("oops", 502), Reply([]), Reply({}, 403)])
async def test_no_sound_answer_is_no_answer(
    script: ScriptedComfyUI, machine: ComfyUIMachine, reply: Reply
) -> None:
    script.answer(HISTORY, reply)

    with pytest.raises(MachineUnreachable):
        await machine.look_up(PROMPT)


async def test_nan_and_infinity_are_read_as_python_writes_them(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    shown = {"value": [float("nan"), float("inf")], "text": ["猫"]}
    entry = {"outputs": {"2": shown}, "status": {"status_str": "success"}}
    script.answer(HISTORY, Reply({str(PROMPT): entry}))

    ended = await machine.look_up(PROMPT)

    assert isinstance(ended, Finished)
    assert [output.text for output in ended.outputs] == ["NaN", "Infinity", "猫"]


async def test_an_old_machine_is_interrupted_only_if_it_runs_exactly_this_prompt(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    script.answer("POST /queue", Reply())
    script.answer("POST /interrupt", Reply())
    script.answer(HISTORY, UNFINISHED)
    script.answer("GET /queue", queue(running=uuid4()))
    await machine.cancel(PROMPT)
    posts = [asked for asked in script.asked if asked.method == "POST"]
    assert posts[1:] == [Asked("POST", "/queue", {"delete": [str(PROMPT)]})]

    script.answer("GET /queue", queue(running=PROMPT), queue())
    await machine.cancel(PROMPT)
    posts = [asked for asked in script.asked if asked.method == "POST"]
    assert posts[4:] == [Asked("POST", "/interrupt", {"prompt_id": str(PROMPT)})]


async def test_an_interrupt_that_was_forgotten_is_repeated(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    script.answer(CANCEL, Reply({"cancelled": True}))
    script.answer(HISTORY, UNFINISHED)
    script.answer(JOB, IN_PROGRESS, IN_PROGRESS, NO_JOB)
    await machine.cancel(PROMPT)

    assert [asked.method for asked in script.asked].count("POST") == 3
