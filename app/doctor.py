"""Looks at everything a server depends on, side by side."""

import asyncio

from app.auth import Caller
from app.diagnosis import Diagnosis, Findings, FoundMachine, ReadModels, judge
from app.find_machine import PRESENT
from app.house import House
from events.machine import Machine, MachineState
from infra.comfyui.driver import open_comfyui
from infra.machine import MachineUnreachable
from infra.machine_address import AddressRefused
from infra.machine_secrets import opened
from infra.postgres import POSTGRES_AWAY
from infra.sealing import CannotOpen
from infra.storage_probe import probe_storage
from projections.queries import list_machines, position, server_version, write_probe

MOST_MACHINES = 100
ANSWER_WITHIN = 5.0
"""Seconds a machine has for an answer."""


async def diagnose(house: House, caller: Caller, language: str) -> Diagnosis:
    """Look at everything, side by side."""
    log, storage, read_models = await asyncio.gather(
        house.log_check.look(),
        probe_storage(house.storage, house.settings.spaces),
        _read_models(house, caller),
    )
    findings = Findings(time=house.now(), log=log, storage=storage, read_models=read_models)
    checks = judge(findings, language)
    return Diagnosis(
        ok=all(check.ok for check in checks),
        time=findings.time,
        storage_probe=storage.url,
        checks=checks,
    )


async def _read_models(house: House, caller: Caller) -> ReadModels | None:
    try:
        async with house.pool.connection() as connection:
            page = await list_machines(
                connection, tenant=caller.tenant, limit=MOST_MACHINES, states=PRESENT
            )
            version, at = await server_version(connection), await position(connection)
            write_error = await write_probe(connection)
    except (*POSTGRES_AWAY, TimeoutError):
        return None
    machines = await asyncio.gather(*(_look_at(house, row.state) for row in page.rows))
    return ReadModels(version=version, position=at, machines=machines, write_error=write_error)


async def _look_at(house: House, machine: Machine) -> FoundMachine:
    asked = machine.state is not MachineState.DISABLED
    return FoundMachine(
        name=machine.name,
        state=str(machine.state),
        observed=machine.snapshot is not None,
        silence=await _silence(house, machine) if asked else None,
    )


async def _silence(house: House, machine: Machine) -> str | None:
    """Tell why a machine does not answer; None if it does."""
    try:
        driver = await open_comfyui(
            machine.url,
            secrets=opened(machine, house.sealer),
            answer_within=ANSWER_WITHIN,
            allow_private=house.settings.allow_private_machines,
        )
    except (CannotOpen, AddressRefused, ValueError) as error:
        return str(error)
    try:
        # Any question will do; a machine knows nothing of a prompt that was never sent.
        await driver.look_up(house.new_id())
    except MachineUnreachable as error:
        return str(error)
    finally:
        await driver.close()
    return None
