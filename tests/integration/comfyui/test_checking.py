"""What a machine lacks is told before anything is queued, and folders are made."""

import pytest

from infra.comfyui.driver import ComfyUIMachine
from infra.machine_driver import (
    WorkflowRejected,
)
from tests.fakes.comfyui_answers import PROMPT
from tests.fakes.scripted_comfyui import Reply, ScriptedComfyUI


async def test_an_empty_folder_of_models_is_told_before_anything_is_queued(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    loader = {"input": {"required": {"ckpt_name": [[], {}]}}, "output": ["MODEL"]}
    show = {"input": {"required": {"x": ["MODEL"]}}, "output": [], "output_node": True}
    script.answer("GET /object_info/Load", Reply({"Load": loader}))
    script.answer("GET /object_info/Show", Reply({"Show": show}))
    graph = {
        "1": {"class_type": "Load", "inputs": {"ckpt_name": "a.safetensors"}},
        "2": {"class_type": "Show", "inputs": {"x": ["1", 0]}},
    }

    with pytest.raises(WorkflowRejected) as refused:
        await machine.check(graph)

    [problem] = refused.value.problems
    assert (problem.code, problem.node_id, problem.input_name) == ("bad_value", "1", "ckpt_name")
    assert "its folder of such files is empty" in problem.message


async def test_a_class_that_was_there_a_moment_ago_is_said_to_be_missing_with_what_to_install(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    name = "ComfyDeployOutputFile"
    script.answer(f"GET /object_info/{name}", Reply({name: {"input": {}, "output_node": True}}))
    refusal = {"type": "missing_node_type", "message": f"Node '{name}' not found."}
    script.answer("POST /prompt", Reply({"error": refusal, "node_errors": {}}, 400))
    graph = {"7": {"class_type": name, "inputs": {}}}
    await machine.check(graph)
    script.answer(f"GET /object_info/{name}", Reply({}))

    with pytest.raises(WorkflowRejected) as refused:
        await machine.submit(PROMPT, graph)

    [problem] = refused.value.problems
    assert (problem.code, problem.node_id, problem.node_class) == ("unknown_node", "7", name)
    assert "install comfyui-deploy" in problem.message
    # Nobody takes the class for known any more, nor for missing once it is there again.
    assert await machine.describe([name]) == {name: None}
    script.answer(f"GET /object_info/{name}", Reply({name: {"input": {}}}))
    assert await machine.describe([name]) == {name: {"input": {}}}


async def test_a_folder_is_made_for_packs_alone_and_a_refusal_is_no_obstacle(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    for name, module in [("Own", "comfy_extras.own"), ("Pack", "custom_nodes.pack")]:
        described = {"input": {}, "output_node": True, "python_module": module}
        script.answer(f"GET /object_info/{name}", Reply({name: described}))
    script.answer("POST /upload/image", Reply("no", 500))
    script.answer("POST /prompt", Reply({"prompt_id": str(PROMPT), "node_errors": {}}))
    inputs = [("Own", "a/b"), ("Pack", "c/d/%date%/x"), ("Pack", "c/d/y"), ("Pack", "bare")]
    graph = {
        str(n): {"class_type": name, "inputs": {"filename_prefix": prefix}}
        for n, (name, prefix) in enumerate(inputs)
    }

    await machine.check(graph)
    await machine.submit(PROMPT, graph)

    uploads = [asked.form for asked in script.asked if asked.path == "/upload/image"]
    assert uploads == [
        {"image": ".comfyd", "type": "output", "subfolder": "c/d", "overwrite": "true"}
    ]
