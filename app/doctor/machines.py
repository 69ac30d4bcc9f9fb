"""Judges the machines of the caller."""

from collections.abc import Iterator

from app.doctor.check import Check, Faults, well
from app.doctor.findings import FoundMachine, ReadModels
from events.words import Phrases

WORDS: Phrases = {
    "machine_none": ("no machine is registered", "还没有登记机器"),
    "machine_none.fix": ("run `comfyd machine add NAME URL`", "运行 `comfyd machine add 名称 URL`"),
    "machine_unseen": ("no worker has seen it yet", "还没有工作进程检查过它"),
    "machine_unseen.fix": (
        "start it and `comfyd worker`, then run `comfyd machine refresh {name}`",
        "启动它和 `comfyd worker`，然后运行 `comfyd machine refresh {name}`",
    ),
    "machine_silent": ("it does not answer: {reason}", "没有响应：{reason}"),
    "machine_silent.fix": (
        "start its ComfyUI; check its address, and its token or header if it wants one",
        "启动它的 ComfyUI；检查地址，以及（如需要）令牌或请求头",
    ),
    "machine_resting": ("it is {state}: runs wait for it", "状态为 {state}：运行在等待它"),
    "machine_resting.fix": (
        "run `comfyd machine resume {name}`",
        "运行 `comfyd machine resume {name}`",
    ),
    "machine_unserved": (
        "{count} runs wait for it, and no worker asks for them",
        "{count} 个运行在等待它，但没有工作进程处理",
    ),
    "machine_unserved.fix": (
        "restart `comfyd worker`; its log says which machines it serves (`worker.serves_machine`)",
        "重启 `comfyd worker`；其日志会说明它负责哪些机器（`worker.serves_machine`）",
    ),
}


def machine_checks(found: ReadModels | None, language: str) -> Iterator[Check]:
    """Judge each machine."""
    faults = Faults(WORDS, language)
    if found is not None and not found.machines:
        yield faults.of("machines", "machine_none")
    for machine in found.machines if found else ():
        yield _machine(faults, machine)


def _machine(faults: Faults, machine: FoundMachine) -> Check:
    name = f"machine {machine.name}"
    if machine.silence is not None:
        return faults.of(name, "machine_silent", reason=machine.silence)
    if machine.state != "active":
        return faults.of(name, "machine_resting", name=machine.name, state=machine.state)
    if not machine.observed:
        return faults.of(name, "machine_unseen", name=machine.name)
    if machine.unserved:
        return faults.of(name, "machine_unserved", count=machine.unserved)
    return well(name)
