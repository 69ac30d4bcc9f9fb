"""Probe of the caller's machines: whether each answers."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from app.auth.caller import Caller
from app.doctor.findings import MachineFinding, Work
from app.reads.machines import PRESENT
from events.errors import PluginUnusable, Problem
from events.machine.events import Driver
from events.machine.state import Machine, MachineState
from infra.comfyui.driver import open_comfyui
from infra.comfyui.secrets import opened
from infra.jetstream.work.consumers import render_consumer
from infra.machine_driver import MachineUnreachable
from infra.net.machine_address import AddressRefused
from infra.postgres import Pool
from infra.s3.port import StorageRefused, StorageUnavailable
from infra.sealing import CannotOpen, Sealer
from projections.queries import list_machines

MOST_MACHINES = 100
ANSWER_WITHIN = 5.0
"""Seconds a machine has for an answer."""

CALLS_BACK_WITHIN = 20.0
"""Seconds its plugin has to store a file; where it does not reach us, it tries for longer."""

CheckPlugin = Callable[[Machine], Awaitable[None]]
"""Raises PluginUnusable if a machine's plugin does not reach comfyd or the storage."""


class MachineProbe:
    """Asks machines whether they answer."""

    def __init__(
        self,
        pool: Pool,
        sealer: Sealer,
        new_id: Callable[[], UUID],
        check_plugin: CheckPlugin,
        *,
        allow_private: bool,
    ) -> None:
        """Ask machines in private networks only with *allow_private*."""
        self._pool = pool
        self._sealer = sealer
        self._new_id = new_id
        self._check_plugin = check_plugin
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
        silence = await self._silence(machine) if asked else None
        has_plugin = asked and silence is None and machine.driver == Driver.COMFYUI_DEPLOY
        return MachineFinding(
            name=machine.name,
            state=str(machine.state),
            observed=machine.snapshot is not None,
            silence=silence,
            plugin_fault=await self._plugin_fault(machine) if has_plugin else None,
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

    async def _plugin_fault(self, machine: Machine) -> Problem | None:
        """Return why the machine's plugin does not reach us; None if it does."""
        try:
            async with asyncio.timeout(CALLS_BACK_WITHIN):
                await self._check_plugin(machine)
        except PluginUnusable as unusable:
            return unusable.problems[0]
        except TimeoutError:
            return Problem(code="plugin_slow", params={"seconds": f"{CALLS_BACK_WITHIN:g}"})
        except (StorageUnavailable, StorageRefused):
            return None  # Which is said of the storage itself.
        return None


def _unserved(machine: Machine, work: Work | None) -> int:
    # Without any worker this is said of all of them at once.
    if work is None or not work.workers.alive:
        return 0
    queue = work.workers.queue(render_consumer(machine.id))
    return queue.waiting if queue and queue.neglected else 0
