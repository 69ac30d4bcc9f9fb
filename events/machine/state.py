"""One machine: where a ComfyUI answers, whether it gets runs, and what it can do."""

from datetime import datetime
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

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

_Change = (
    MachineRenamed
    | MachineMoved
    | MachineDriverChanged
    | MachineTokenSealed
    | MachineHeaderSealed
    | MachineComfyKeySealed
)


class MachineState(StrEnum):
    """Whether a machine gets runs."""

    ACTIVE = "active"
    DRAINING = "draining"
    """It finishes what it has; other runs wait."""

    DISABLED = "disabled"
    """The same, and it is not looked at either."""

    REMOVED = "removed"
    """It is gone; runs that need it fail."""


class Machine(Struct, frozen=True, kw_only=True):
    """The state of a machine."""

    id: UUID
    current: MachineRegistered
    """As it would be registered now."""

    created_at: datetime
    state: MachineState = MachineState.ACTIVE
    snapshot: MachineSnapshot | None = None
    """What was last found there; None: no worker has reached it yet."""

    @property
    def name(self) -> str:
        """Its label."""
        return self.current.name

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.current.url

    @property
    def driver(self) -> str:
        """How it is given its prompts: a Driver, or one of another version."""
        return self.current.driver

    @property
    def sealed_token(self) -> str:
        """Its token, encrypted; empty: it has none."""
        return self.current.sealed_token

    @property
    def sealed(self) -> tuple[str, ...]:
        """All that is secret about it, and the name of its header; equal while nothing changes."""
        now = self.current
        return (now.sealed_token, now.header_name, now.sealed_header, now.sealed_comfy_key)

    @property
    def removed(self) -> bool:
        """Whether it is gone."""
        return self.state is MachineState.REMOVED


def evolve(machine: Machine | None, event: MachineEvent) -> Machine:
    """Fold one fact into the state."""
    if isinstance(event, MachineRegistered):
        if machine is None:
            return Machine(id=event.machine_id, current=event, created_at=event.at)
        return replace(machine, current=event)
    if machine is None:
        raise ValueError(f"the log begins with {type(event).__name__}")
    if isinstance(event, _Change):
        return replace(machine, current=_changed(machine.current, event))
    if isinstance(event, MachineObserved):
        return replace(machine, snapshot=event.snapshot)
    return replace(machine, state=_state_after(event))


def _changed(current: MachineRegistered, event: _Change) -> MachineRegistered:
    match event:
        case MachineRenamed():
            return replace(current, name=event.name)
        case MachineMoved():
            return replace(current, url=event.url)
        case MachineDriverChanged():
            return replace(current, driver=event.driver)
        case MachineTokenSealed():
            return replace(current, sealed_token=event.sealed_token)
        case MachineHeaderSealed():
            return replace(
                current, header_name=event.header_name, sealed_header=event.sealed_header
            )
        case MachineComfyKeySealed():
            return replace(current, sealed_comfy_key=event.sealed_comfy_key)


def _state_after(
    event: MachineDrained | MachineResumed | MachineDisabled | MachineRemoved,
) -> MachineState:
    match event:
        case MachineDrained():
            return MachineState.DRAINING
        case MachineResumed():
            return MachineState.ACTIVE
        case MachineDisabled():
            return MachineState.DISABLED
        case MachineRemoved():
            return MachineState.REMOVED
        case _:
            assert_never(event)
