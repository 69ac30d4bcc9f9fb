"""Whatever a machine answers ends as a clear refusal, and in time."""

import asyncio

import pytest

from infra.comfyui import capabilities, client
from infra.comfyui.driver import ComfyUIMachine, open_comfyui
from infra.machine_driver import (
    MachineRefused,
    MachineUnreachable,
    WorkflowRejected,
)
from tests.fakes.comfyui_answers import (
    GRAPH,
    HISTORY,
    NESTED,
    PROMPT,
    watch,
)
from tests.fakes.scripted_comfyui import Reply, ScriptedComfyUI

NESTED_OUTPUT = Reply(
    b'{"%s": {"status": {"status_str": "success"}, "outputs": {"2": %s}}}'
    % (str(PROMPT).encode(), NESTED.body)
)
ODD_ENTRY = Reply({str(PROMPT): {"status": "success", "outputs": []}})
ENDLESS = Reply(b'{"a": "' + b"b" * 100_000, endless=True)


@pytest.mark.parametrize(
    "reply",
    [NESTED, NESTED_OUTPUT, ODD_ENTRY, ENDLESS],
    ids=["nested", "a nested output", "an entry of another shape", "endless"],
)
async def test_an_answer_that_nobody_can_read_is_refused_for_good(
    script: ScriptedComfyUI,
    machine: ComfyUIMachine,
    monkeypatch: pytest.MonkeyPatch,
    reply: Reply,
) -> None:
    monkeypatch.setattr(client, "LARGEST_ANSWER", 2_000_000)
    script.answer(HISTORY, reply)

    for asking in (machine.look_up(PROMPT), watch(machine)):
        with pytest.raises(MachineRefused) as refused:
            await asking
        assert refused.value.code == "machine_answer_invalid"
        assert len(str(refused.value)) < 500


@pytest.mark.parametrize("reply", [NESTED, ENDLESS], ids=["nested", "endless"])
async def test_a_look_or_a_check_that_brings_an_odd_answer_ends(
    script: ScriptedComfyUI,
    machine: ComfyUIMachine,
    monkeypatch: pytest.MonkeyPatch,
    reply: Reply,
) -> None:
    monkeypatch.setattr(client, "LARGEST_ANSWER", 2_000_000)
    for path in ("", "/EmptyImage", "/SaveImage"):
        script.answer(f"GET /object_info{path}", reply)
    script.answer("GET /system_stats", Reply({"system": {}}))

    for asking in (machine.observe(), machine.check(GRAPH)):
        with pytest.raises(MachineRefused):
            await asking


@pytest.mark.parametrize("limit", ["LARGEST_DESCRIPTION", "MOST_DESCRIBED"])
async def test_what_is_kept_of_the_nodes_of_a_machine_is_bounded(
    script: ScriptedComfyUI,
    machine: ComfyUIMachine,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
) -> None:
    description = {"input": {"required": {"width": ["INT", {"tooltip": "x" * 1000}]}}}
    for name in ("EmptyImage", "SaveImage"):
        script.answer(f"GET /object_info/{name}", Reply({name: description}))
    await machine.check(GRAPH | {"3": {"class_type": "EmptyImage", "inputs": {"width": 8}}})
    monkeypatch.setattr(capabilities, limit, 1000)
    monkeypatch.setattr(capabilities, "FRESH_FOR", -1)

    with pytest.raises(MachineRefused, match="more than 1000 bytes"):
        await machine.check(GRAPH)


async def test_an_answer_that_drips_ends_in_time(script: ScriptedComfyUI) -> None:
    script.answer("GET /object_info/EmptyImage", Reply(b" ", endless=True, pause=0.05))
    script.answer("GET /object_info/SaveImage", Reply({}))
    script.answer("GET /view", Reply(b" ", endless=True, pause=0.05))
    machine = await open_comfyui(script.url, answer_within=0.3, allow_private=True)

    async with asyncio.timeout(30):
        with pytest.raises(MachineUnreachable):
            await machine.check(GRAPH)
    await machine.close()


@pytest.mark.parametrize(
    "reply", [NESTED, ENDLESS, Reply("x" * 3_000_000, 400)], ids=["nested", "endless", "3 MB"]
)
async def test_a_prompt_that_is_answered_oddly_is_refused_in_few_words(
    script: ScriptedComfyUI,
    machine: ComfyUIMachine,
    monkeypatch: pytest.MonkeyPatch,
    reply: Reply,
) -> None:
    monkeypatch.setattr(client, "LARGEST_ANSWER", 4_000_000)
    script.answer("POST /prompt", reply)

    with pytest.raises((MachineRefused, WorkflowRejected)) as refused:
        await machine.submit(PROMPT, GRAPH)
    assert len(str(refused.value)) < 500
