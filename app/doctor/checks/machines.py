"""Checks of the caller's machines."""

from collections.abc import Iterator

from app.doctor.checks.check import Check, Faults, passed
from app.doctor.findings import MachineFinding, ReadModels
from events.messages.texts import Texts
from infra.translation import problem_text

TEXTS: Texts = {
    "machine_none": "no machine is registered",
    "machine_none.fix": "run `comfyd machine add NAME URL`",
    "machine_unseen": "no worker has reached it yet",
    "machine_unseen.fix": "start it and `comfyd worker`, then run `comfyd machine refresh {name}`",
    "machine_silent": "it does not answer: {reason}",
    "machine_silent.fix": (
        "start its ComfyUI; check its address, and its token or header if it wants one"
    ),
    "machine_plugin_unusable": "its driver comfyui-deploy cannot work: {reason}",
    "machine_plugin_unusable.fix": (
        "correct that, or use the other driver: `comfyd machine add {name} URL --driver comfyui`"
    ),
    "machine_resting": "it is {state}: runs wait for it",
    "machine_resting.fix": "run `comfyd machine resume {name}`",
    "machine_unserved": "{count} runs wait for it, and no worker serves it",
    "machine_unserved.fix": (
        "restart `comfyd worker`; its log says which machines it serves (`worker.serves_machine`)"
    ),
}


def machine_checks(found: ReadModels | None, language: str) -> Iterator[Check]:
    """Check each machine."""
    faults = Faults(TEXTS, language)
    if found is not None and not found.machines:
        yield faults.of("machines", "machine_none")
    for machine in found.machines if found else ():
        yield _machine(faults, machine, language)


def _machine(faults: Faults, machine: MachineFinding, language: str) -> Check:
    name = f"machine {machine.name}"
    if machine.silence is not None:
        return faults.of(name, "machine_silent", reason=machine.silence)
    if machine.plugin_fault:
        reason = problem_text(machine.plugin_fault, language)
        return faults.of(name, "machine_plugin_unusable", name=machine.name, reason=reason)
    if machine.state != "active":
        return faults.of(name, "machine_resting", name=machine.name, state=machine.state)
    if not machine.observed:
        return faults.of(name, "machine_unseen", name=machine.name)
    if machine.unserved:
        return faults.of(name, "machine_unserved", count=machine.unserved)
    return passed(name)
