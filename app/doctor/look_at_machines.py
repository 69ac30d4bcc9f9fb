"""Looks at the machines of the caller: each is asked whether it answers."""

import asyncio

from app.auth.caller import Caller
from app.doctor.findings import FoundMachine, Work
from app.house import House
from app.reads.machines import PRESENT
from events.machine.state import Machine, MachineState
from infra.comfyui.driver import open_comfyui
from infra.comfyui.secrets import opened
from infra.jetstream.work.consumers import render_consumer
from infra.machine_driver import MachineUnreachable
from infra.net.machine_address import AddressRefused
from infra.sealing import CannotOpen
from projections.queries import list_machines

MOST_MACHINES = 100
ANSWER_WITHIN = 5.0
"""Seconds a machine has for an answer."""


async def look_at_machines(house: House, caller: Caller, work: Work | None) -> list[FoundMachine]:
    """Ask each machine of the caller's.

    Raises:
        PostgresUnavailable: nobody can say which there are.

    """
    async with house.pool.connection() as connection:
        page = await list_machines(
            connection, tenant=caller.tenant, limit=MOST_MACHINES, states=PRESENT
        )
    return await asyncio.gather(*(_look_at(house, row.state, work) for row in page.rows))


async def _look_at(house: House, machine: Machine, work: Work | None) -> FoundMachine:
    asked = machine.state is not MachineState.DISABLED
    return FoundMachine(
        name=machine.name,
        state=str(machine.state),
        observed=machine.snapshot is not None,
        silence=await _silence(house, machine) if asked else None,
        unserved=_unserved(machine, work),
    )


def _unserved(machine: Machine, work: Work | None) -> int:
    # Without any worker this is said of all of them at once.
    if work is None or not work.workers.alive:
        return 0
    queue = work.workers.queue(render_consumer(machine.id))
    return queue.waiting if queue and queue.neglected else 0


async def _silence(house: House, machine: Machine) -> str | None:
    """Return why a machine does not answer; None if it does."""
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
