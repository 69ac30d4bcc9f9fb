"""What every driver must do when a machine forgets, falls silent or goes away."""

import asyncio
from uuid import uuid4

import pytest

from events.run.output import Output
from infra.machine_driver import Lost, MachineDriver, MachineUnreachable
from tests.fakes.machine_labs import REAL_URL, Lab
from tests.fakes.machine_prompts import DEADLINE, LONG, Recorder, content, picture

ours_to_stop = pytest.mark.skipif(bool(REAL_URL), reason="this ComfyUI is not ours to stop")


@ours_to_stop
async def test_a_machine_that_forgot_a_prompt_lost_it(lab: Lab, machine: MachineDriver) -> None:
    prompt_id, graph, report = uuid4(), picture(seconds=LONG), Recorder()
    await machine.submit(prompt_id, graph)
    watching = asyncio.create_task(machine.watch(prompt_id, graph, report))
    await report.begun()
    await lab.restart()

    assert await watching == Lost()


@ours_to_stop
async def test_a_machine_that_is_gone_is_unreachable(lab: Lab) -> None:
    machine = await lab.open(patience=0.5)
    prompt_id, graph, report = uuid4(), picture(seconds=LONG), Recorder()
    await machine.submit(prompt_id, graph)
    watching = asyncio.create_task(machine.watch(prompt_id, graph, report))
    await report.begun()
    await lab.stop()

    somewhere = Output(index=0, node_id="1", kind="images", filename="a.png")
    for doing in (
        watching,
        machine.look_up(prompt_id),
        machine.submit(uuid4(), graph),
        machine.check(graph),
        machine.upload_image("a.png", b"png"),
        machine.cancel(prompt_id),
        content(machine, somewhere),
    ):
        with pytest.raises(MachineUnreachable):
            await doing


@ours_to_stop
async def test_a_machine_that_is_silent_for_a_while_is_reported_once_and_so_is_its_return(
    lab: Lab,
) -> None:
    machine = await lab.open()
    prompt_id, graph, report = uuid4(), picture(seconds=LONG), Recorder()
    await machine.submit(prompt_id, graph)
    watching = asyncio.create_task(machine.watch(prompt_id, graph, report))
    await report.begun()
    await lab.stop()
    async with asyncio.timeout(DEADLINE):
        while not report.outages:  # noqa: ASYNC110 -- a poll with a deadline
            await asyncio.sleep(0.02)
    await asyncio.sleep(1)
    await lab.restart()

    assert await watching == Lost()
    assert [bool(words) for words in report.outages] == [True, False]
