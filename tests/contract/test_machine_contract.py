"""What every driver of a machine must do, on the stand-in, the demo machine or a real ComfyUI.

`COMFYUI_URL=… make test-real` takes one that already runs.
"""

import asyncio
from io import BytesIO
from uuid import uuid4

import pytest
from msgspec.structs import replace
from PIL import Image

from infra.machine_driver import (
    Failed,
    Finished,
    Graph,
    Interrupted,
    Lost,
    MachineDriver,
    Running,
    Waiting,
    WorkflowRejected,
)
from tests.fakes.machine_labs import REAL_URL, DemoLab, Lab, saved
from tests.fakes.machine_prompts import DEADLINE, LONG, STEPS, Recorder, picture, run, timeless

counts_steps = pytest.mark.skipif(
    bool(REAL_URL), reason="no stock node counts steps without a model"
)


async def test_a_prompt_runs_to_its_end_and_its_files_can_be_read(machine: MachineDriver) -> None:
    outcome, _ = await run(machine, picture())

    assert isinstance(outcome, Finished)
    (output,) = outcome.outputs
    assert (output.node_id, output.kind, output.folder) == ("3", "images", "output")
    async with machine.open_output(output) as stream:
        data = b"".join([chunk async for chunk in stream.chunks()])
    assert (stream.media_type, stream.length) == ("image/png", len(data))
    assert Image.open(BytesIO(data)).size == (8, 8)


async def test_a_machine_describes_its_classes_and_knows_which_it_has_not(
    machine: MachineDriver,
) -> None:
    infos = await machine.describe({"EmptyImage", "NoSuchClass"})

    [kind, extra] = (infos["EmptyImage"] or {})["input"]["required"]["width"]
    assert (kind, extra["min"]) == ("INT", 1)
    assert infos["NoSuchClass"] is None


@counts_steps
async def test_progress_tells_the_node_and_never_goes_back(machine: MachineDriver) -> None:
    _, report = await run(machine, picture(seconds=0.8))

    assert report.runs == 1
    percents = [p.percent for p in report.told]
    assert len(percents) >= 2
    assert percents == sorted(percents)
    assert 33 <= percents[-1] <= 67
    last = report.told[-1]
    assert (last.node_id, last.node_class) == ("2", "StandinSlow")
    assert last.message == f"Wait a little {last.step}/{STEPS}"


async def test_a_watcher_knows_how_long_the_nodes_took(machine: MachineDriver) -> None:
    outcome, _ = await run(machine, picture(seconds=0.6))
    assert isinstance(outcome, Finished)
    took = {node.node_id: node for node in outcome.nodes}
    assert took["2"].title == "Wait a little"
    assert 0.3 < took["2"].seconds < DEADLINE
    assert not took["2"].cached
    assert took["3"].seconds < 0.3


async def test_a_watcher_knows_which_nodes_were_cached(lab: Lab, machine: MachineDriver) -> None:
    if isinstance(lab, DemoLab):
        pytest.skip("the demo machine keeps no results")
    graph = picture()
    assert isinstance((await run(machine, graph))[0], Finished)

    again, _ = await run(machine, graph | {"4": saved("1", "again")})
    assert isinstance(again, Finished)
    assert {"1", "2", "3"} <= {n.node_id for n in again.nodes if n.cached}
    assert "4" not in {n.node_id for n in again.nodes if n.cached}


async def test_of_a_node_that_raises_the_time_is_known(lab: Lab, machine: MachineDriver) -> None:
    nodes, _ = lab.failing("2", "4")
    outcome, _ = await run(machine, picture(seconds=0.5) | nodes)

    assert isinstance(outcome, Failed)
    assert outcome.seconds is not None
    assert outcome.seconds >= 0.4
    assert {"2", "4"} <= {node.node_id for node in outcome.nodes}


async def test_what_a_report_raises_ends_the_watch(machine: MachineDriver) -> None:
    prompt_id, graph = uuid4(), picture(seconds=0.5)
    await machine.submit(prompt_id, graph)
    with pytest.raises(LookupError):
        await machine.watch(prompt_id, graph, Recorder(fails=LookupError()))

    assert isinstance(await machine.watch(prompt_id, graph, Recorder()), Finished)


async def test_a_prompt_can_be_watched_after_its_end(machine: MachineDriver) -> None:
    prompt_id, graph = uuid4(), picture()
    await machine.submit(prompt_id, graph)
    first = await machine.watch(prompt_id, graph, Recorder())

    assert timeless(await machine.watch(prompt_id, graph, Recorder())) == timeless(first)
    assert await machine.look_up(prompt_id) == timeless(first)


async def test_a_node_that_raises_is_named(lab: Lab, machine: MachineDriver) -> None:
    nodes, failed = lab.failing("1", "2")
    outcome, _ = await run(machine, {"1": picture()["1"]} | nodes)

    assert isinstance(outcome, Failed)
    assert outcome.message.startswith(failed.message)
    assert replace(outcome, message="", nodes=(), seconds=None) == replace(failed, message="")


async def test_a_machine_says_what_it_knows_of_a_prompt(machine: MachineDriver) -> None:
    running, waiting = uuid4(), uuid4()
    await machine.submit(running, picture(seconds=0.2))
    await machine.submit(waiting, graph := picture())

    assert await machine.look_up(running) == Running()
    assert await machine.look_up(waiting) == Waiting()
    assert await machine.look_up(uuid4()) == Lost()
    finished = await machine.watch(waiting, graph, Recorder())
    assert await machine.look_up(waiting) == timeless(finished)


async def test_cancel_stops_a_running_prompt_and_no_other(machine: MachineDriver) -> None:
    running, waiting = uuid4(), uuid4()
    await machine.submit(running, graph := picture(seconds=LONG))
    await machine.submit(waiting, other := picture())
    report = Recorder()
    watching = asyncio.create_task(machine.watch(running, graph, report))
    await report.begun()
    await machine.cancel(running)

    interrupted = await watching
    assert isinstance(interrupted, Interrupted)
    assert interrupted.seconds is not None
    assert isinstance(await machine.watch(waiting, other, Recorder()), Finished)


async def test_cancel_removes_a_waiting_prompt_and_no_other(
    lab: Lab, machine: MachineDriver
) -> None:
    running, waiting = uuid4(), uuid4()
    await machine.submit(running, graph := picture(seconds=0.3))
    await machine.submit(waiting, picture())
    await machine.cancel(waiting)

    assert await machine.look_up(waiting) == Lost()
    assert isinstance(await machine.watch(running, graph, Recorder()), Finished)
    assert str(waiting) not in await lab.rendered()


async def test_cancel_does_nothing_to_what_is_over_or_unknown(machine: MachineDriver) -> None:
    prompt_id, graph = uuid4(), picture()
    await machine.submit(prompt_id, graph)
    outcome = await machine.watch(prompt_id, graph, Recorder())
    await machine.cancel(prompt_id)
    await machine.cancel(uuid4())

    assert await machine.look_up(prompt_id) == timeless(outcome)


async def test_a_waiting_prompt_that_someone_else_removes_is_lost(machine: MachineDriver) -> None:
    running, waiting = uuid4(), uuid4()
    await machine.submit(running, picture(seconds=LONG))
    await machine.submit(waiting, graph := picture())
    watching = asyncio.create_task(machine.watch(waiting, graph, Recorder()))
    await machine.cancel(waiting)

    assert await watching == Lost()
    await machine.cancel(running)


@pytest.mark.parametrize("doing", ["check", "submit"])
async def test_a_graph_the_machine_cannot_run_is_refused(
    machine: MachineDriver, doing: str
) -> None:
    unknown, incomplete = picture(), picture()
    unknown["2"]["class_type"] = "NotInstalled"
    del incomplete["1"]["inputs"]["width"]

    assert await refusal(machine, doing, unknown) == ("unknown_node", "2", "NotInstalled", "")
    assert await refusal(machine, doing, incomplete) == (
        "missing_input",
        "1",
        "EmptyImage",
        "width",
    )


async def refusal(machine: MachineDriver, doing: str, graph: Graph) -> tuple[str, str, str, str]:
    refusing = machine.check(graph) if doing == "check" else machine.submit(uuid4(), graph)
    with pytest.raises(WorkflowRejected) as refused:
        await refusing
    (problem,) = refused.value.problems
    assert problem.message
    return problem.code, problem.node_id, problem.node_class, problem.input_name


async def test_a_graph_the_machine_can_run_passes(machine: MachineDriver) -> None:
    await machine.check(picture())


async def test_a_slow_reader_of_reports_hears_less_and_misses_no_end(
    machine: MachineDriver,
) -> None:
    prompt_id, graph, report = uuid4(), picture(seconds=0.6), Recorder(takes=0.3)
    await machine.submit(prompt_id, graph)

    assert isinstance(await machine.watch(prompt_id, graph, report), Finished)
    assert 1 <= len(report.told) <= 3
