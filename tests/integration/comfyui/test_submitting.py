"""A prompt is sent once, and what is refused says why."""

import pytest

from infra.comfyui.driver import ComfyUIMachine, open_comfyui
from infra.comfyui.plugin.driver import PluginMachine
from infra.machine_driver import (
    GraphProblem,
    Interrupted,
    Lost,
    MachineRefused,
    MachineUnreachable,
    OutcomeUnknown,
    WorkflowRejected,
)
from tests.fakes.comfyui_answers import CUT, FINISHED, GRAPH, PROMPT, SUCCESS
from tests.fakes.scripted_comfyui import Reply, ScriptedComfyUI
from tests.standin import Server


@pytest.mark.parametrize("url", ["ftp://machine", "machine:8188", "", "http://", "/prompt"])
async def test_what_is_no_url_of_a_machine_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not the http or https URL of a machine"):
        await open_comfyui(url)


async def test_a_machine_may_live_below_a_path(script: ScriptedComfyUI) -> None:
    script.answer(f"GET /proxy/7/history/{PROMPT}", SUCCESS)
    machine = await open_comfyui(f"{script.url}/proxy/7/", allow_private=True)

    assert await machine.look_up(PROMPT) == FINISHED
    await machine.close()


async def test_nothing_but_what_is_needed_is_sent(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    script.answer("POST /prompt", Reply({"prompt_id": str(PROMPT), "node_errors": {}}))
    await machine.submit(PROMPT, GRAPH)
    await machine.submit(PROMPT, GRAPH, ui_graph={"nodes": []})

    body = {"prompt": GRAPH, "prompt_id": str(PROMPT), "client_id": str(PROMPT)}
    with_ui = body | {"extra_data": {"extra_pnginfo": {"workflow": {"nodes": []}}}}
    assert [asked.body for asked in script.asked] == [body, with_ui]


@pytest.mark.parametrize(
    "reply",
    [CUT, Reply("in trouble", 500), Reply("busy", 503), Reply("accepted"), Reply(["odd"])],
    ids=["cut", "500", "503", "no object", "a list"],
)
async def test_a_prompt_that_may_have_been_queued_is_in_doubt(
    script: ScriptedComfyUI, handed: tuple[ComfyUIMachine, str], reply: Reply
) -> None:
    machine, route = handed
    script.answer(route, reply)

    with pytest.raises(OutcomeUnknown):
        await machine.submit(PROMPT, GRAPH)
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [Reply("who are you?", 401), Reply("no", 404)],
    ids=["401", "404"],
)
async def test_a_machine_that_is_no_use_is_unreachable(
    script: ScriptedComfyUI, machine: ComfyUIMachine, reply: Reply
) -> None:
    script.answer("POST /prompt", reply)

    with pytest.raises(MachineUnreachable):
        await machine.submit(PROMPT, GRAPH)


async def test_a_machine_that_gives_prompts_ids_of_its_own_is_refused_for_good(
    script: ScriptedComfyUI, handed: tuple[ComfyUIMachine, str]
) -> None:
    machine, route = handed
    script.answer(route, Reply({"prompt_id": "7", "node_errors": {}}))

    with pytest.raises(MachineRefused, match="too old") as refused:
        await machine.submit(PROMPT, GRAPH)
    assert refused.value.code == "machine_too_old"


@pytest.mark.parametrize("status", [404, 405])
async def test_where_there_is_no_plugin_that_is_said(
    script: ScriptedComfyUI, plugin_machine: PluginMachine, status: int
) -> None:
    script.answer("POST /comfyui-deploy/run", Reply("no such route", status))

    with pytest.raises(MachineRefused) as refused:
        await plugin_machine.submit(PROMPT, GRAPH)
    assert refused.value.code == "plugin_missing"


async def test_the_plugin_is_told_where_to_report_and_no_secret_is_in_an_address(
    script: ScriptedComfyUI, plugin_machine: PluginMachine
) -> None:
    answer = Reply({"prompt_id": str(PROMPT), "node_errors": {}})
    script.answer("POST /comfyui-deploy/run", answer)
    await plugin_machine.submit(PROMPT, GRAPH, callback_token="a token")

    [asked] = script.asked
    assert asked.body == {
        "workflow_api_raw": GRAPH,
        "workflow": {"nodes": []},
        "prompt_id": str(PROMPT),
        "client_id": str(PROMPT),
        "status_endpoint": "http://comfyd.test/api/update-run",
        "file_upload_endpoint": "http://comfyd.test/api/file-upload",
        "cd_token": "a token",
    }


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (
            200,  # the comfyui-deploy plugin is installed
            {"error": "no such node", "node_errors": []},
            GraphProblem(code="rejected", message="no such node"),
        ),
        (
            400,  # 0.3.64
            {
                "error": {
                    "type": "invalid_prompt",
                    "message": "Cannot execute because node X (old) does not exist.",
                    "details": "Node ID '#5:2'",
                },
                "node_errors": {},
            },
            GraphProblem(
                code="unknown_node",
                message="Cannot execute because node X (old) does not exist.: Node ID '#5:2'",
                node_id="5:2",
                node_class="X (old)",
            ),
        ),
        (
            400,
            {"error": {"type": "prompt_no_outputs", "message": "Prompt has no outputs"}},
            GraphProblem(code="no_outputs", message="Prompt has no outputs"),
        ),
        (413, "too much", GraphProblem(code="rejected", message='"too much"')),
    ],
    ids=["plugin", "old", "no outputs", "too big"],
)
async def test_a_refusal_says_why(
    script: ScriptedComfyUI,
    handed: tuple[ComfyUIMachine, str],
    status: int,
    body: object,
    problem: GraphProblem,
) -> None:
    machine, route = handed
    script.answer(route, Reply(body, status))

    with pytest.raises(WorkflowRejected) as refused:
        await machine.submit(PROMPT, GRAPH)
    assert refused.value.problems == (problem,)


async def test_a_prompt_accepted_in_part_is_stopped_and_refused(
    standin: Server, real: ComfyUIMachine
) -> None:
    size = {"width": 8, "height": 8, "batch_size": 1, "color": 3}
    graph = {
        "1": {"class_type": "EmptyImage", "inputs": size},
        "2": {
            "class_type": "StandinSlow",
            "inputs": {"image": ["1", 0], "seconds": 30, "steps": 900, "preview": True, "seed": 1},
        },
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "a"}},
        "4": {"class_type": "SaveImage", "inputs": {"filename_prefix": "b"}},
    }
    with pytest.raises(WorkflowRejected) as refused:
        await real.submit(PROMPT, graph)

    (problem,) = refused.value.problems
    assert (problem.code, problem.node_id, problem.node_class, problem.input_name) == (
        "missing_input",
        "4",
        "SaveImage",
        "images",
    )
    assert isinstance(await real.look_up(PROMPT), Lost | Interrupted)
    assert standin.rendered().get(str(PROMPT), 0) <= 1
