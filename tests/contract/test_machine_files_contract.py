"""What every driver must do with files: bring images in, and fetch what was made."""

from hashlib import sha256
from io import BytesIO

import pytest
from msgspec.structs import replace
from PIL import Image

from infra.machine_driver import Finished, MachineDriver, MachineRefused, OutputMissing
from tests.fakes.machine_labs import Lab, saved
from tests.fakes.machine_prompts import content, picture, run


@pytest.mark.parametrize("name", ["cat.png", "../../etc/漢 字.JPG", "no suffix", ""])
async def test_an_uploaded_image_can_be_loaded(machine: MachineDriver, name: str) -> None:
    buffer = BytesIO()
    Image.new("RGB", (5, 7), "red").save(buffer, "PNG")
    image = await machine.upload_image(name, buffer.getvalue())
    graph = {"1": {"class_type": "LoadImage", "inputs": {"image": image}}, "2": saved("1")}
    await machine.check(graph)
    outcome, _ = await run(machine, graph)

    assert isinstance(outcome, Finished)
    assert Image.open(BytesIO(await content(machine, outcome.outputs[0]))).size == (5, 7)


async def test_a_big_file_arrives_whole(lab: Lab, machine: MachineDriver) -> None:
    data = b"picture " * 400_000
    big = await lab.put("big.bin", data)

    assert sha256(await content(machine, big)).digest() == sha256(data).digest()


async def test_a_file_the_machine_no_longer_has_is_missing(machine: MachineDriver) -> None:
    outcome, _ = await run(machine, picture())
    assert isinstance(outcome, Finished)
    gone = replace(outcome.outputs[0], filename="gone.png")

    with pytest.raises(OutputMissing):
        await content(machine, gone)


async def test_a_file_whose_name_holds_two_dots_in_a_row_is_refused_for_good(
    machine: MachineDriver,
) -> None:
    outcome, _ = await run(machine, picture())
    assert isinstance(outcome, Finished)
    dotted = replace(outcome.outputs[0], filename="a..png")

    with pytest.raises(MachineRefused) as refused:
        await content(machine, dotted)
    assert refused.value.code == "output_refused"


async def test_what_goes_wrong_with_the_reader_is_not_put_on_the_machine(
    lab: Lab, machine: MachineDriver
) -> None:
    output = await lab.put("a.bin", b"picture")

    with pytest.raises(TimeoutError):
        async with machine.open_output(output):
            raise TimeoutError
