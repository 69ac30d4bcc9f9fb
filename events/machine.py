"""One machine: where a ComfyUI answers."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class MachineRegistered(Struct, frozen=True, kw_only=True):
    """A machine is known under its name; again with another URL: it has moved."""

    machine_id: UUID
    name: str
    url: str
    driver: str
    user_id: str | None
    org_id: str | None
    at: datetime


class Machine(Struct, frozen=True, kw_only=True):
    """The state of a machine."""

    id: UUID
    current: MachineRegistered
    created_at: datetime


class RegisterMachine(Struct, frozen=True, kw_only=True):
    """Make a machine known."""

    registered: MachineRegistered


def evolve(machine: Machine | None, event: MachineRegistered) -> Machine:
    """Fold one fact into the state."""
    created_at = machine.created_at if machine else event.at
    return Machine(id=event.machine_id, current=event, created_at=created_at)


def decide(machine: Machine | None, command: RegisterMachine) -> list[MachineRegistered]:
    """Give the facts that follow; the same address again adds nothing."""
    new = command.registered
    if machine and (machine.current.url, machine.current.driver) == (new.url, new.driver):
        return []
    return [new]
