"""Builds facts about machines."""

from events.machine.events import (
    MachineObserved,
    MachineRegistered,
)
from events.machine.snapshot import MachineSnapshot
from tests.builders.facts import MACHINE_ID, later


def registered(
    url: str = "http://127.0.0.1:8188", *, token: str = "", seconds: float = 0
) -> MachineRegistered:
    """Return the registration of a machine."""
    return MachineRegistered(
        machine_id=MACHINE_ID,
        name="gpu",
        url=url,
        driver="comfyui",
        user_id="ada",
        org_id=None,
        at=later(seconds),
        sealed_token=token,
    )


def observed(found: MachineSnapshot) -> MachineObserved:
    """Return the fact that this was found on a machine."""
    return MachineObserved(snapshot=found, stated_at=found.at)


def snapshot(*, seconds: float = 0, checkpoints: tuple[str, ...] = ("a",)) -> MachineSnapshot:
    """Return what a machine can do."""
    return MachineSnapshot(
        object_info_key="machines/t/1.json",
        object_info_sha256="1",
        comfyui_version="0.33.0",
        python_version="3.12.1",
        pytorch_version="2.9",
        os="linux",
        devices=(),
        models={"checkpoints": checkpoints},
        node_classes=3,
        at=later(seconds),
    )
