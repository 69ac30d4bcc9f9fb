"""The facts about a machine. Who did it stands in the envelope."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, field

from events.machine.snapshot import MachineSnapshot


class Driver(StrEnum):
    """How a machine is given its prompts."""

    COMFYUI = "comfyui"
    """By ComfyUI's own API; an unmodified one is enough."""

    COMFYUI_DEPLOY = "comfyui-deploy"
    """By the plugin of comfyui-deploy, which reports, and stores files itself."""


class MachineRegistered(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A machine is known under its name; in old logs, again with another URL: it has moved."""

    machine_id: UUID
    name: str
    url: str
    driver: str
    user_id: str | None
    org_id: str | None
    at: datetime
    sealed_token: str = ""
    """What the machine wants to be shown, encrypted; empty: nothing."""

    header_name: str = ""
    """Another header that it wants; empty: none."""

    sealed_header: str = ""
    """The value of that header, encrypted."""

    sealed_comfy_key: str = ""
    """The key of the account that its partner nodes use, encrypted; empty: none."""


class MachineRenamed(Struct, frozen=True, kw_only=True):
    """A machine has another name."""

    name: str
    at: datetime


class MachineMoved(Struct, frozen=True, kw_only=True):
    """A machine answers at another URL."""

    url: str
    at: datetime


class MachineDriverChanged(Struct, frozen=True, kw_only=True):
    """A machine is given its prompts in another way."""

    driver: str
    """A Driver."""

    at: datetime


class MachineTokenSealed(Struct, frozen=True, kw_only=True):
    """A machine wants another token."""

    sealed_token: str
    """Encrypted; empty: none any more."""

    at: datetime


class MachineHeaderSealed(Struct, frozen=True, kw_only=True):
    """A machine wants another header."""

    header_name: str
    """Empty: none any more."""

    sealed_header: str
    """Its value, encrypted."""

    at: datetime


class MachineComfyKeySealed(Struct, frozen=True, kw_only=True):
    """The partner nodes of a machine use another account."""

    sealed_comfy_key: str
    """Its key, encrypted; empty: none any more."""

    at: datetime


class MachineDrained(Struct, frozen=True, kw_only=True):
    """A machine finishes what it has and gets nothing new."""

    at: datetime


class MachineResumed(Struct, frozen=True, kw_only=True):
    """A machine gets runs again."""

    at: datetime


class MachineDisabled(Struct, frozen=True, kw_only=True):
    """A machine gets nothing new and is not looked at either."""

    at: datetime


class MachineRemoved(Struct, frozen=True, kw_only=True):
    """A machine is gone for good."""

    open_runs: int
    """How many runs were open on it; with any, it was removed by force."""

    at: datetime


class MachineObserved(Struct, frozen=True, kw_only=True):
    """A machine was found to be otherwise than before."""

    snapshot: MachineSnapshot
    stated_at: datetime | UnsetType = field(default=UNSET, name="at")
    """When it was looked at; old events say it in their snapshot alone."""

    @property
    def at(self) -> datetime:
        """When it was looked at."""
        return self.snapshot.at if self.stated_at is UNSET else self.stated_at


MachineEvent = (
    MachineRegistered
    | MachineRenamed
    | MachineMoved
    | MachineDriverChanged
    | MachineTokenSealed
    | MachineHeaderSealed
    | MachineComfyKeySealed
    | MachineDrained
    | MachineResumed
    | MachineDisabled
    | MachineRemoved
    | MachineObserved
)
