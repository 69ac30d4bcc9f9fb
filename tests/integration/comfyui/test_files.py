"""Files of a machine: typed, whole, gone, refused for good, or to be asked for again."""

import pytest

from events.run.output import Output
from infra.comfyui.driver import ComfyUIMachine
from infra.machine_driver import (
    MachineRefused,
    MachineUnreachable,
    OutputMissing,
)
from tests.fakes.scripted_comfyui import BEGINNING, Reply, ScriptedComfyUI
from tests.standin import Server, Switches


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
