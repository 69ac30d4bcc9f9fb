"""Drain, resume, disable, remove or refresh a machine."""

from uuid import UUID

from app.auth.caller import Caller
from app.commands.recorder import Recorder
from app.reads.machines import MachineReads, MachineSession
from app.reads.wait_for_projection import wait_for_projection
from events.errors import MachineGone
from events.machine.decide import (
    DisableMachine,
    DrainMachine,
    MachineCommand,
    RemoveMachine,
    ResumeMachine,
)
from events.machine.state import Machine
from events.subjects import OBSERVE_WORK
from infra.batch_runs import carry_out
from infra.jetstream.log.aggregates import LogReader
from infra.jetstream.work.queue import WorkQueue
from infra.postgres import Pool
from projections.queries import open_runs_of_machine, promised_batches

LOOK_EVERY = 5
"""Seconds within which two requests to look at a machine count as one."""


class MachineStates:
    """Use-cases that change whether a machine gets runs.

    All of them raise NotFound (the caller has no such machine), MachineGone (it was removed) and
    LogUnavailable (it stays as it is).
    """

    def __init__(
        self,
        recorder: Recorder,
        machines: MachineReads,
        log_reader: LogReader,
        pool: Pool,
        work: WorkQueue,
    ) -> None:
        self._recorder = recorder
        self._machines = machines
        self._log_reader = log_reader
        self._pool = pool
        self._work = work

    async def drain(self, caller: Caller, machine_id: UUID) -> Machine:
        """Drain a machine: it finishes what it has; other runs wait until it is resumed."""
        session = await self._machines.session(caller, machine_id)
        return await self._execute(caller, session, DrainMachine(now=self._recorder.now()))

    async def resume(self, caller: Caller, machine_id: UUID) -> Machine:
        """Resume a machine: it gets runs again; those that waited for it go first."""
        session = await self._machines.session(caller, machine_id)
        return await self._execute(caller, session, ResumeMachine(now=self._recorder.now()))

    async def disable(self, caller: Caller, machine_id: UUID) -> Machine:
        """Disable a machine: it is left alone; runs wait until it is resumed."""
        session = await self._machines.session(caller, machine_id)
        return await self._execute(caller, session, DisableMachine(now=self._recorder.now()))

    async def remove(self, caller: Caller, machine_id: UUID, *, force: bool) -> Machine:
        """Remove a machine for good; with *force* even if runs are open on it, which then fail.

        Raises:
            MachineBusy: runs are open on it.
            ReadModelsBehind: the read models do not know yet which are.

        """
        session = await self._machines.session(caller, machine_id)
        async with self._pool.connection() as connection:
            if not force:
                await wait_for_projection(self._log_reader, connection)
                if promised := await promised_batches(connection, caller.tenant):
                    # Accepted already, so their runs count; their process may have died since.
                    for batch_id in promised:
                        await carry_out(self._recorder.store, batch_id, self._recorder.now)
                    await wait_for_projection(self._log_reader, connection)
            open_runs = await open_runs_of_machine(connection, session.existing.id)
        command = RemoveMachine(open_runs=open_runs, force=force, now=self._recorder.now())
        return await self._execute(caller, session, command)

    async def refresh(self, caller: Caller, machine_id: UUID) -> Machine:
        """Ask a worker to look at once what a machine can do; the snapshot changes if it does."""
        machine = await self._machines.find(caller, machine_id)
        if machine.removed:
            raise MachineGone
        slot = int(self._recorder.now().timestamp()) // LOOK_EVERY
        message_id = f"refresh:{machine.id}:{slot}"
        await self._work.put(OBSERVE_WORK, machine.id, message_id=message_id)
        return machine

    async def _execute(
        self, caller: Caller, session: MachineSession, command: MachineCommand
    ) -> Machine:
        await self._recorder.execute(caller, session, command)
        return session.existing
