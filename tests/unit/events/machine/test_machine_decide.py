"""Machines: registered, changed, drained, disabled, removed, and seen to change."""

from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from events.aggregates import MACHINE
from events.errors import MachineBusy, MachineGone, NotFound, TokenNeeded
from events.machine.decide import (
    ChangeMachine,
    DisableMachine,
    DrainMachine,
    MachineCommand,
    RecordSnapshot,
    RegisterMachine,
    RemoveMachine,
    ResumeMachine,
    decide,
)
from events.machine.events import (
    MachineComfyKeySealed,
    MachineDisabled,
    MachineDrained,
    MachineDriverChanged,
    MachineHeaderSealed,
    MachineMoved,
    MachineRegistered,
    MachineRemoved,
    MachineRenamed,
    MachineResumed,
    MachineTokenSealed,
)
from events.machine.state import Machine, MachineState
from tests.builders.facts import MACHINE_ID, NOW, later
from tests.builders.machines import observed, registered, snapshot
from tests.observe import specification

given = partial(specification.given, MACHINE)
ELSEWHERE = "https://gpu.example.com"
REMOVED = MachineRemoved(open_runs=0, at=NOW)


def test_a_machine_is_registered() -> None:
    given().when(RegisterMachine(registered=registered())).then(registered())


def test_the_same_address_again_adds_nothing() -> None:
    given(registered()).when(RegisterMachine(registered=registered(seconds=1))).then_nothing()


def test_registered_at_another_address_it_has_moved() -> None:
    again = RegisterMachine(registered=registered(ELSEWHERE, seconds=1))
    given(registered()).when(again).then(MachineMoved(url=ELSEWHERE, at=later(1)))


def test_registered_again_without_a_token_it_keeps_its_own() -> None:
    again = RegisterMachine(registered=registered(seconds=1))
    given(registered(token="sealed")).when(again).then_nothing()


@pytest.mark.parametrize("driver", [None, "comfyui"])
def test_the_driver_that_it_has_is_no_change(driver: str | None) -> None:
    given(registered()).when(ChangeMachine(driver=driver, now=later(1))).then_nothing()


def test_another_driver_is_a_fact_and_stays() -> None:
    change = ChangeMachine(driver="comfyui-deploy", now=later(1))
    changed = MachineDriverChanged(driver="comfyui-deploy", at=later(1))

    given(registered()).when(change).then(changed)
    given(registered(), changed).when(change).then_nothing()


def test_name_url_and_token_change_at_once() -> None:
    change = ChangeMachine(name="big", url=ELSEWHERE, sealed_token="new", now=later(1))
    given(registered(token="old")).when(change).then(
        MachineRenamed(name="big", at=later(1)),
        MachineMoved(url=ELSEWHERE, at=later(1)),
        MachineTokenSealed(sealed_token="new", at=later(1)),
    )


def test_what_is_so_already_adds_nothing() -> None:
    change = ChangeMachine(
        name="gpu", url="http://127.0.0.1:8188", sealed_token="old", now=later(1)
    )
    given(registered(token="old")).when(change).then_nothing()


def test_a_token_does_not_follow_its_machine_to_another_host_by_itself() -> None:
    machine = given(registered(token="old"))
    machine.when(ChangeMachine(url=ELSEWHERE, now=NOW)).then_refused(TokenNeeded)
    machine.when(RegisterMachine(registered=registered(ELSEWHERE))).then_refused(TokenNeeded)
    machine.when(ChangeMachine(url=ELSEWHERE, sealed_token="", now=NOW)).then(
        MachineMoved(url=ELSEWHERE, at=NOW), MachineTokenSealed(sealed_token="", at=NOW)
    )


def with_secrets() -> MachineRegistered:
    return replace(
        registered(token="t"), header_name="X-API-Key", sealed_header="h", sealed_comfy_key="k"
    )


def test_header_and_account_change_and_what_is_so_already_adds_nothing() -> None:
    machine = given(with_secrets())
    machine.when(RegisterMachine(registered=with_secrets())).then_nothing()
    same = ChangeMachine(header=("X-API-Key", "h"), sealed_comfy_key="k", now=NOW)
    machine.when(same).then_nothing()
    machine.when(ChangeMachine(header=("X-Key", "h"), now=NOW)).then(
        MachineHeaderSealed(header_name="X-Key", sealed_header="h", at=NOW)
    )
    machine.when(ChangeMachine(header=("", ""), sealed_comfy_key="", now=NOW)).then(
        MachineHeaderSealed(header_name="", sealed_header="", at=NOW),
        MachineComfyKeySealed(sealed_comfy_key="", at=NOW),
    )


@pytest.mark.parametrize(
    ("sent", "missing"),
    [
        ({}, ["/token", "/header", "/comfy_api_key"]),
        ({"sealed_token": "t2"}, ["/header", "/comfy_api_key"]),
        ({"header": ("X-API-Key", "h2"), "sealed_comfy_key": ""}, ["/token"]),
    ],
)
def test_no_secret_follows_its_machine_to_another_host_by_itself(
    sent: dict[str, Any], missing: list[str]
) -> None:
    command = ChangeMachine(url=ELSEWHERE, now=NOW, **sent)
    with pytest.raises(TokenNeeded) as refused:
        decide(MACHINE.fold([with_secrets()]), command)
    assert [problem.pointer for problem in refused.value.problems] == missing


def test_a_token_stays_when_only_the_path_changes() -> None:
    below = "http://127.0.0.1:8188/comfy"
    given(registered(token="old")).when(ChangeMachine(url=below, now=NOW)).then(
        MachineMoved(url=below, at=NOW)
    )


@pytest.mark.parametrize(
    ("command", "event", "state"),
    [
        (DrainMachine(now=NOW), MachineDrained(at=NOW), MachineState.DRAINING),
        (DisableMachine(now=NOW), MachineDisabled(at=NOW), MachineState.DISABLED),
    ],
)
def test_a_machine_stops_and_goes_on(
    command: MachineCommand, event: MachineDrained | MachineDisabled, state: MachineState
) -> None:
    given(registered()).when(command).then(event)
    given(registered(), event).when(command).then_nothing()
    given(registered(), event).when(ResumeMachine(now=NOW)).then(MachineResumed(at=NOW))
    stopped = MACHINE.fold([registered(), event])
    assert stopped is not None
    assert stopped.state is state
    again = MACHINE.fold([MachineResumed(at=NOW)], stopped)
    assert again is not None
    assert again.state is MachineState.ACTIVE


def test_an_active_machine_has_nothing_to_resume() -> None:
    given(registered()).when(ResumeMachine(now=NOW)).then_nothing()


def test_a_machine_without_open_runs_is_removed_once() -> None:
    remove = RemoveMachine(open_runs=0, force=False, now=NOW)
    given(registered()).when(remove).then(REMOVED)
    given(registered(), REMOVED).when(remove).then_nothing()


def test_a_machine_with_open_runs_is_removed_by_force_only() -> None:
    machine = given(registered())
    machine.when(RemoveMachine(open_runs=2, force=False, now=NOW)).then_refused(MachineBusy, "2")
    machine.when(RemoveMachine(open_runs=2, force=True, now=NOW)).then(
        MachineRemoved(open_runs=2, at=NOW)
    )


@pytest.mark.parametrize(
    "command",
    [
        DrainMachine(now=NOW),
        ResumeMachine(now=NOW),
        DisableMachine(now=NOW),
        ChangeMachine(name="b", now=NOW),
        RegisterMachine(registered=registered()),
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_removed_machine_stays_removed(command: MachineCommand) -> None:
    given(registered(), REMOVED).when(command).then_refused(MachineGone)


@pytest.mark.parametrize(
    "command",
    [
        DrainMachine(now=NOW),
        ChangeMachine(name="b", now=NOW),
        RemoveMachine(open_runs=0, force=True, now=NOW),
        RecordSnapshot(snapshot=snapshot()),
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_machine_that_never_was_is_not_found(command: MachineCommand) -> None:
    given().when(command).then_refused(NotFound)


def test_what_is_found_on_a_machine_is_recorded_when_it_changes() -> None:
    first = observed(snapshot())
    given(registered()).when(RecordSnapshot(snapshot=snapshot())).then(first)
    again = RecordSnapshot(snapshot=snapshot(seconds=60))
    given(registered(), first).when(again).then_nothing()
    other = snapshot(seconds=60, checkpoints=("a", "b"))
    given(registered(), first).when(RecordSnapshot(snapshot=other)).then(observed(other))


def test_a_new_name_for_the_same_content_in_storage_is_no_change() -> None:
    first = observed(snapshot())
    moved = replace(snapshot(), object_info_key="machines/other/1.json")
    given(registered(), first).when(RecordSnapshot(snapshot=moved)).then_nothing()


def test_what_is_found_on_a_removed_machine_is_not_recorded() -> None:
    given(registered(), REMOVED).when(RecordSnapshot(snapshot=snapshot())).then_nothing()


def test_a_machine_keeps_its_age_and_has_all_that_was_changed() -> None:
    machine = MACHINE.fold(
        [
            registered(),
            MachineRenamed(name="big", at=later(1)),
            MachineMoved(url=ELSEWHERE, at=later(2)),
            MachineTokenSealed(sealed_token="sealed", at=later(3)),
            MachineHeaderSealed(header_name="X-Key", sealed_header="h", at=later(3)),
            MachineComfyKeySealed(sealed_comfy_key="k", at=later(3)),
            observed(snapshot()),
        ]
    )
    now = replace(
        registered(ELSEWHERE, token="sealed"),
        name="big",
        header_name="X-Key",
        sealed_header="h",
        sealed_comfy_key="k",
    )
    assert machine == Machine(
        id=MACHINE_ID, current=now, created_at=NOW, snapshot=snapshot(), state=MachineState.ACTIVE
    )


def test_an_old_log_in_which_a_machine_moved_by_being_registered_again_is_read() -> None:
    machine = MACHINE.fold([registered(), registered(ELSEWHERE, seconds=5)])
    assert machine is not None
    assert (machine.url, machine.created_at) == (ELSEWHERE, NOW)
