"""What may be done to a machine: from a command to the facts that follow, or a refusal."""

from datetime import datetime
from typing import assert_never
from urllib.parse import urlsplit

from msgspec import Struct

from events.errors import MachineBusy, MachineGone, NotFound, Problem, TokenNeeded
from events.machine.events import (
    MachineComfyKeySealed,
    MachineDisabled,
    MachineDrained,
    MachineDriverChanged,
    MachineEvent,
    MachineHeaderSealed,
    MachineMoved,
    MachineObserved,
    MachineRegistered,
    MachineRemoved,
    MachineRenamed,
    MachineResumed,
    MachineTokenSealed,
)
from events.machine.snapshot import MachineSnapshot
from events.machine.state import Machine, MachineState


class RegisterMachine(Struct, frozen=True, kw_only=True):
    """Make a machine known; a known one moves."""

    registered: MachineRegistered


class ChangeMachine(Struct, frozen=True, kw_only=True):
    """Change what is given; None leaves it as it is."""

    name: str | None = None
    url: str | None = None
    driver: str | None = None
    """A Driver."""

    sealed_token: str | None = None
    """Empty: it wants none any more."""

    header: tuple[str, str] | None = None
    """Name and encrypted value of another header; both empty: it wants none any more."""

    sealed_comfy_key: str | None = None
    """Empty: its partner nodes have no account any more."""

    now: datetime


class DrainMachine(Struct, frozen=True, kw_only=True):
    """Drain a machine: it finishes what it has, and gets nothing new."""

    now: datetime


class ResumeMachine(Struct, frozen=True, kw_only=True):
    """Resume a machine: it gets runs again."""

    now: datetime


class DisableMachine(Struct, frozen=True, kw_only=True):
    """Disable a machine: it gets nothing new, and is not called."""

    now: datetime


class RemoveMachine(Struct, frozen=True, kw_only=True):
    """Take it away for good."""

    open_runs: int
    """How many runs are open on it, as far as anyone knows."""

    force: bool
    """Even with open runs: those that it has not begun will fail."""

    now: datetime


class RecordSnapshot(Struct, frozen=True, kw_only=True):
    """Record what was found on it."""

    snapshot: MachineSnapshot


MachineCommand = (
    RegisterMachine
    | ChangeMachine
    | DrainMachine
    | ResumeMachine
    | DisableMachine
    | RemoveMachine
    | RecordSnapshot
)


def decide(machine: Machine | None, command: MachineCommand) -> list[MachineEvent]:
    """Decide the events that follow; what is so already adds nothing.

    Raises:
        NotFound: there is no such machine.
        MachineGone: it was removed.
        MachineBusy: it cannot be removed while runs are open on it.
        TokenNeeded: it moves to another host, and its secrets are not for that one.

    """
    if machine is None:
        if isinstance(command, RegisterMachine):
            return [command.registered]
        raise NotFound("there is no machine with this id")
    if machine.removed:
        if isinstance(command, RemoveMachine | RecordSnapshot):
            return []
        raise MachineGone("this machine was removed; register it again")
    match command:
        case RegisterMachine():
            return _registered_again(machine, command.registered)
        case ChangeMachine():
            return _changed(machine, command)
        case RemoveMachine():
            return _removed(command)
        case RecordSnapshot():
            return _observed(machine, command.snapshot)
        case _:
            return _switched(machine, command)


def _registered_again(machine: Machine, new: MachineRegistered) -> list[MachineEvent]:
    change = ChangeMachine(
        url=new.url,
        driver=new.driver,
        sealed_token=new.sealed_token or None,
        header=(new.header_name, new.sealed_header) if new.header_name else None,
        sealed_comfy_key=new.sealed_comfy_key or None,
        now=new.at,
    )
    return _changed(machine, change)


def _changed(machine: Machine, command: ChangeMachine) -> list[MachineEvent]:
    url = command.url or machine.url
    if _origin(url) != _origin(machine.url):
        _check_secrets_sent(machine, command)
    events: list[MachineEvent] = []
    if command.name is not None and command.name != machine.name:
        events.append(MachineRenamed(name=command.name, at=command.now))
    if url != machine.url:
        events.append(MachineMoved(url=url, at=command.now))
    if command.driver not in (None, machine.driver):
        events.append(MachineDriverChanged(driver=command.driver, at=command.now))
    return events + _secrets_changed(machine.current, command)


def _secrets_changed(current: MachineRegistered, command: ChangeMachine) -> list[MachineEvent]:
    events: list[MachineEvent] = []
    token, key = command.sealed_token, command.sealed_comfy_key
    if token is not None and token != current.sealed_token:
        events.append(MachineTokenSealed(sealed_token=token, at=command.now))
    if command.header not in (None, (current.header_name, current.sealed_header)):
        name, value = command.header
        events.append(MachineHeaderSealed(header_name=name, sealed_header=value, at=command.now))
    if key is not None and key != current.sealed_comfy_key:
        events.append(MachineComfyKeySealed(sealed_comfy_key=key, at=command.now))
    return events


def _check_secrets_sent(machine: Machine, command: ChangeMachine) -> None:
    """Refuse to take secrets to another host.

    A caller who may move a machine must not learn a secret by it.
    """
    now = machine.current
    secrets = (
        ("token", now.sealed_token, command.sealed_token),
        ("header", now.sealed_header, command.header),
        ("comfy_api_key", now.sealed_comfy_key, command.sealed_comfy_key),
    )
    problems = [
        Problem(code="machine_secret_needed", pointer=f"/{name}", params={"name": name})
        for name, has, sent in secrets
        if has and sent is None
    ]
    if problems:
        raise TokenNeeded(problems=problems)


def _origin(url: str) -> tuple[str, str]:
    return urlsplit(url)[:2]


def _removed(command: RemoveMachine) -> list[MachineEvent]:
    if command.open_runs and not command.force:
        params = {"count": str(command.open_runs)}
        raise MachineBusy(problems=[Problem(code="machine_has_open_runs", params=params)])
    return [MachineRemoved(open_runs=command.open_runs, at=command.now)]


def _observed(machine: Machine, snapshot: MachineSnapshot) -> list[MachineEvent]:
    if snapshot.says_the_same_as(machine.snapshot):
        return []
    return [MachineObserved(snapshot=snapshot, stated_at=snapshot.at)]


def _switched(
    machine: Machine, command: DrainMachine | ResumeMachine | DisableMachine
) -> list[MachineEvent]:
    event: MachineDrained | MachineResumed | MachineDisabled
    match command:
        case DrainMachine():
            wanted, event = MachineState.DRAINING, MachineDrained(at=command.now)
        case ResumeMachine():
            wanted, event = MachineState.ACTIVE, MachineResumed(at=command.now)
        case DisableMachine():
            wanted, event = MachineState.DISABLED, MachineDisabled(at=command.now)
        case _:
            assert_never(command)
    return [] if machine.state is wanted else [event]
