"""The ComfyUI driver against machines that are slow, faulty, old or dishonest."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import WSCloseCode

from events.output import Output
from events.progress import Progress
from infra.comfyui import capabilities, client
from infra.comfyui.driver import ComfyUIMachine, open_comfyui
from infra.comfyui.listening import MESSAGE_LIMIT
from infra.embedded.standin import Server, Switches, serve
from infra.machine import (
    Failed,
    Finished,
    GraphProblem,
    Interrupted,
    Lost,
    MachineRefused,
    MachineUnreachable,
    Outcome,
    OutcomeUnknown,
    OutputMissing,
    Running,
    Waiting,
    WorkflowRejected,
)
from tests.scripted_comfyui import BEGINNING, Asked, Reply, ScriptedComfyUI, scripted_comfyui

PROMPT = UUID("0d8f7a52-6f0e-4f0e-9a44-0a4f3ad7f5c1")
GRAPH: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
}
CUT = Reply(status=0)
NO_JOB = Reply({"error": "Job not found"}, 404)
PENDING, IN_PROGRESS = Reply({"status": "pending"}), Reply({"status": "in_progress"})
UNFINISHED = Reply({})
SUCCESS = Reply(
    {
        str(PROMPT): {
            "outputs": {"2": {"text": ["done"]}},
            "status": {"status_str": "success", "completed": True, "messages": []},
        }
    }
)
FINISHED = Finished(outputs=(Output(index=0, node_id="2", kind="text", text="done"),))
HISTORY, JOB = f"GET /history/{PROMPT}", f"GET /api/jobs/{PROMPT}"
CANCEL = f"POST /api/jobs/{PROMPT}/cancel"


class Recorder:
    """A report that keeps what it is told."""

    def __init__(self) -> None:
        self.runs = 0
        self.told: list[Progress] = []
        self.outages: list[str] = []

    async def running(self) -> None:
        self.runs += 1

    async def progress(self, progress: Progress) -> None:
        self.told.append(progress)

    async def unreachable(self, error: str) -> None:
        self.outages.append(error)

    async def reachable(self) -> None:
        self.outages.append("")


def event(kind: str, **data: object) -> str:
    return json.dumps({"type": kind, "data": data})


def queued(prompt_id: UUID) -> list[Any]:
    return [4, str(prompt_id), GRAPH, {}, ["2"]]


def queue(*, running: UUID | None = None, pending: UUID | None = None) -> Reply:
    return Reply(
        {
            "queue_running": [queued(running)] if running else [],
            "queue_pending": [queued(pending)] if pending else [],
        }
    )


@pytest.fixture
async def script() -> AsyncIterator[ScriptedComfyUI]:
    async with scripted_comfyui() as script:
        yield script


@pytest.fixture
async def machine(script: ScriptedComfyUI) -> AsyncIterator[ComfyUIMachine]:
    machine = await open_comfyui(
        script.url, silence=0.1, patience=0.4, answer_within=2, allow_private=True
    )
    yield machine
    await machine.close()


@pytest.fixture
async def standin(tmp_path: Path) -> AsyncIterator[Server]:
    async with serve(tmp_path) as server:
        yield server


@pytest.fixture
async def real(standin: Server) -> AsyncIterator[ComfyUIMachine]:
    machine = await open_comfyui(
        standin.url, silence=0.2, patience=1, answer_within=0.3, allow_private=True
    )
    yield machine
    await machine.close()


async def watch(machine: ComfyUIMachine) -> tuple[Outcome, Recorder]:
    report = Recorder()
    async with asyncio.timeout(5):
        return await machine.watch(PROMPT, GRAPH, report), report


@pytest.mark.parametrize("url", ["ftp://machine", "machine:8188", "", "http://", "/prompt"])
async def test_what_is_no_url_of_a_machine_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not the http or https URL of a machine"):
        await open_comfyui(url)


async def test_a_machine_may_live_below_a_path(script: ScriptedComfyUI) -> None:
    script.answer(f"GET /proxy/7/history/{PROMPT}", SUCCESS)
    machine = await open_comfyui(f"{script.url}/proxy/7/", allow_private=True)

    assert await machine.look_up(PROMPT) == FINISHED
    await machine.close()


# --- submitting


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
    script: ScriptedComfyUI, machine: ComfyUIMachine, reply: Reply
) -> None:
    script.answer("POST /prompt", reply)

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
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    script.answer("POST /prompt", Reply({"prompt_id": "7", "node_errors": {}}))

    with pytest.raises(MachineRefused, match="too old") as refused:
        await machine.submit(PROMPT, GRAPH)
    assert refused.value.code == "machine_too_old"


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
    machine: ComfyUIMachine,
    status: int,
    body: object,
    problem: GraphProblem,
) -> None:
    script.answer("POST /prompt", Reply(body, status))

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
    assert await real.look_up(PROMPT) in (Lost(), Interrupted())
    assert standin.rendered().get(str(PROMPT), 0) <= 1


async def test_a_prompt_whose_answer_is_late_can_be_found(
    standin: Server, real: ComfyUIMachine
) -> None:
    standin.switches = Switches(hang_posts=5, node_seconds=0.3)
    with pytest.raises(OutcomeUnknown):
        await real.submit(PROMPT, PICTURE)

    assert await real.look_up(PROMPT) in (Waiting(), Running())
    assert isinstance(await real.watch(PROMPT, PICTURE, Recorder()), Finished)
    assert standin.rendered() == {str(PROMPT): 1}


# --- checking


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


# --- folders


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


# --- looking up


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


NESTED = Reply(b"[" * 100_000 + b"]" * 100_000)
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

    async with asyncio.timeout(5):
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


# --- watching


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
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await machine.watch(PROMPT, GRAPH, Recorder())

    async with asyncio.timeout(1):
        await script.no_sockets.wait()
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
    script.answer(HISTORY, *[UNFINISHED] * 9, SUCCESS)
    script.answer(JOB, PENDING)
    script.answer("GET /queue", queue(running=uuid4(), pending=PROMPT))
    started = asyncio.get_running_loop().time()

    assert (await watch(machine))[0] == FINISHED
    assert asyncio.get_running_loop().time() - started > 2 * 0.4


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


# --- cancelling


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


# --- with the stand-in

PICTURE: dict[str, Any] = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 5},
    },
    "2": {
        "class_type": "StandinSlow",
        "inputs": {"image": ["1", 0], "seconds": 0.3, "steps": 6, "preview": True, "seed": 1},
    },
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "made"}},
    "4": {"class_type": "StandinText", "inputs": {"text": "a caption"}},
    "5": {"class_type": "SaveGLB", "inputs": {"mesh": ["6", 0], "filename_prefix": "mesh/made"}},
    "6": {"class_type": "StandinMesh", "inputs": {"seed": 1}},
}


@pytest.mark.parametrize(
    "switches",
    [Switches(silent=True), Switches(doubled=True), Switches(late=0.5), Switches()],
    ids=["silent", "doubled", "late", "healthy"],
)
async def test_events_are_only_hints(
    standin: Server, real: ComfyUIMachine, switches: Switches
) -> None:
    standin.switches = switches
    report = Recorder()
    await real.submit(PROMPT, PICTURE)
    outcome = await real.watch(PROMPT, PICTURE, report)

    assert isinstance(outcome, Finished)
    assert sorted((o.node_id, o.kind, o.filename, o.text) for o in outcome.outputs) == [
        ("3", "images", "made_00001_.png", None),
        ("4", "text", "", "a caption"),
        ("5", "3d", "made_00001_.glb", None),
    ]
    assert report.runs == 1
    percents = [progress.percent for progress in report.told]
    assert percents == sorted(percents)


async def test_nodes_that_say_nothing_for_longer_than_the_silence_keep_their_times(
    standin: Server,
) -> None:
    standin.switches = Switches(node_seconds=1.4)
    machine = await open_comfyui(standin.url, silence=0.8, allow_private=True)
    graph = {node_id: PICTURE[node_id] for node_id in ("1", "3")}
    graph["3"] = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "a"}}
    await machine.submit(PROMPT, graph)
    outcome = await machine.watch(PROMPT, graph, Recorder())
    await machine.close()

    assert isinstance(outcome, Finished)
    times = {node.node_id: node.seconds for node in outcome.nodes}
    assert set(times) == {"1", "3"}
    assert all(1 < seconds < 5 for seconds in times.values())


@pytest.mark.parametrize(
    ("name", "told", "expected"),
    [
        ("a.webm", "application/octet-stream", "video/webm"),
        ("a.webm", "video/x-odd", "video/x-odd"),
        ("a.strange", "application/octet-stream", "application/octet-stream"),
        ("a.strange", f"image/{'x' * 200}", "application/octet-stream"),
    ],
)
async def test_a_file_of_no_named_type_gets_the_type_of_its_name(
    script: ScriptedComfyUI, machine: ComfyUIMachine, name: str, told: str, expected: str
) -> None:
    script.answer("GET /view", Reply(media_type=told))
    output = Output(index=0, node_id="1", kind="images", filename=name)

    async with machine.open_output(output) as stream:
        assert stream.media_type == expected


async def test_a_file_that_breaks_off_is_not_taken_for_the_whole(
    script: ScriptedComfyUI, machine: ComfyUIMachine
) -> None:
    script.answer("GET /view", Reply(missing=7))
    output = Output(index=0, node_id="1", kind="images", filename="a.png")

    async with machine.open_output(output) as stream:
        assert stream.length == len(BEGINNING) + 7
        with pytest.raises(MachineUnreachable):
            assert [chunk async for chunk in stream.chunks()] == []


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (400, MachineRefused),
        (401, MachineUnreachable),
        (403, MachineRefused),
        (404, OutputMissing),
        (410, OutputMissing),
        (414, MachineRefused),
        (429, MachineUnreachable),
        (502, MachineUnreachable),
    ],
)
async def test_a_file_is_gone_or_refused_for_good_or_to_be_asked_for_again(
    script: ScriptedComfyUI, machine: ComfyUIMachine, status: int, raised: type[Exception]
) -> None:
    script.answer("GET /view", Reply("no", status))
    output = Output(index=0, node_id="1", kind="images", filename="a..png")

    with pytest.raises(raised, match=rf"a\.\.png: the machine answers {status}"):
        async with machine.open_output(output):
            pass


@pytest.mark.parametrize(("name", "told"), [("a..png", True), ("a.png", False)])
async def test_a_file_that_is_refused_for_its_name_says_so(
    script: ScriptedComfyUI, machine: ComfyUIMachine, name: str, *, told: bool
) -> None:
    script.answer("GET /view", Reply("no", 400))

    with pytest.raises(MachineRefused) as refused:
        async with machine.open_output(Output(index=0, node_id="1", kind="images", filename=name)):
            pass
    assert ("two dots in a row" in str(refused.value)) is told


async def test_a_machine_that_refuses_uploads_is_unreachable(
    standin: Server, real: ComfyUIMachine
) -> None:
    standin.switches = Switches(refuse_uploads=True)

    with pytest.raises(MachineUnreachable):
        await real.upload_image("a.png", b"png")


async def test_an_image_is_stored_once_whatever_it_is_called(real: ComfyUIMachine) -> None:
    names = [await real.upload_image(name, b"same") for name in ("a.png", "b c.PNG", "ü.png")]

    assert names == [names[0]] * 3
    assert names[0].startswith("comfyd/")
    assert names[0].isascii()
