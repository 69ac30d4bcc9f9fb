"""Probe of the caller's machines: whether each answers."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from app.auth.caller import Caller
from app.doctor.findings import MachineFinding, Work
from app.reads.machines import PRESENT
from events.machine.state import Machine, MachineState
from infra.comfyui.driver import open_comfyui
from infra.comfyui.secrets import opened
from infra.jetstream.work.consumers import render_consumer
from infra.machine_driver import MachineUnreachable
from infra.net.machine_address import AddressRefused
from infra.postgres import Pool
from infra.sealing import CannotOpen, Sealer
from projections.queries import list_machines

MOST_MACHINES = 100
ANSWER_WITHIN = 5.0
"""Seconds a machine has for an answer."""


class MachineProbe:
    """Asks machines whether they answer."""

    def __init__(
        self,
        pool: Pool,
        sealer: Sealer,
        new_id: Callable[[], UUID],
        *,
        allow_private: bool,
    ) -> None:
        """Ask machines in private networks only with *allow_private*."""
        self._pool = pool
        self._sealer = sealer
        self._new_id = new_id
        self._allow_private = allow_private

    async def look(self, caller: Caller, work: Work | None) -> list[MachineFinding]:
        """Ask each machine of the caller's.

        Raises:
            PostgresUnavailable: their list cannot be read.

        """
        async with self._pool.connection() as connection:
            page = await list_machines(
                connection, tenant=caller.tenant, limit=MOST_MACHINES, states=PRESENT
            )
        return await asyncio.gather(*(self._look_at(row.state, work) for row in page.rows))

    async def _look_at(self, machine: Machine, work: Work | None) -> MachineFinding:
        asked = machine.state is not MachineState.DISABLED
        return MachineFinding(
            name=machine.name,
            state=str(machine.state),
            observed=machine.snapshot is not None,
            silence=await self._silence(machine) if asked else None,
            unserved=_unserved(machine, work),
        )

    async def _silence(self, machine: Machine) -> str | None:
        """Return why a machine does not answer; None if it does."""
        try:
            driver = await open_comfyui(
                machine.url,
                secrets=opened(machine, self._sealer),
                answer_within=ANSWER_WITHIN,
                allow_private=self._allow_private,
            )
        except (CannotOpen, AddressRefused, ValueError) as error:
            return str(error)
        try:
            # Any question will do; a machine knows nothing of a prompt that was never sent.
            await driver.look_up(self._new_id())
        except MachineUnreachable as error:
            return str(error)
        finally:
            await driver.close()
        return None


def _unserved(machine: Machine, work: Work | None) -> int:
    # Without any worker this is said of all of them at once.
    if work is None or not work.workers.alive:
        return 0
    queue = work.workers.queue(render_consumer(machine.id))
    return queue.waiting if queue and queue.neglected else 0
