"""Machines: registered under a name, and moved by registering them again."""

from functools import partial

from events.decider import MACHINE
from events.machine import Machine, MachineRegistered, RegisterMachine
from tests import specification
from tests.builders import MACHINE_ID, NOW, later

given = partial(specification.given, MACHINE)


def registered(
    url: str = "http://127.0.0.1:8188", *, driver: str = "comfyui", seconds: float = 0
) -> MachineRegistered:
    return MachineRegistered(
        machine_id=MACHINE_ID,
        name="gpu",
        url=url,
        driver=driver,
        user_id="ada",
        org_id=None,
        at=later(seconds),
    )


def test_a_machine_is_registered() -> None:
    given().when(RegisterMachine(registered=registered())).then(registered())


def test_the_same_address_again_adds_nothing() -> None:
    given(registered()).when(RegisterMachine(registered=registered(seconds=1))).then_nothing()


def test_another_address_or_driver_is_a_move() -> None:
    for other in (registered("http://127.0.0.1:9000"), registered(driver="other")):
        given(registered()).when(RegisterMachine(registered=other)).then(other)


def test_a_machine_that_has_moved_keeps_its_age() -> None:
    moved = registered("http://127.0.0.1:9000", seconds=5)
    assert MACHINE.fold([registered(), moved]) == Machine(
        id=MACHINE_ID, current=moved, created_at=NOW
    )
