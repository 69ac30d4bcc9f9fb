"""Pool of open drivers, one for each machine in use; those no longer needed are closed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import UUID

from events.aggregates import MACHINE
from events.machine import state
from events.machine.decide import MachineCommand
from events.machine.events import MachineEvent
from infra.comfyui.secrets import MachineSecrets
from infra.comfyui.secrets import opened as in_clear
from infra.event_store import EventStore, Session
from infra.machine_driver import MachineDriver
from infra.net.machine_address import AddressRefused
from infra.sealing import CannotOpen, Sealer


class Driver(MachineDriver, Protocol):
    """A machine's driver, which holds connections."""

    async def close(self) -> None:
        """Close them."""


MachineSession = Session[state.Machine, MachineCommand, MachineEvent]

OpenDriver = Callable[[state.Machine, MachineSecrets], Awaitable[Driver]]
"""Opens the driver of a machine, with its secrets in clear."""


class MachineUnusable(Exception):
    """The machine can never be used as it is registered; waiting does not help."""

    code = "machine_missing"


class MachineMissing(MachineUnusable):
    """There is no machine with this id, or it was removed."""


class TokenUnreadable(MachineUnusable):
    """None of our keys opens a secret of the machine."""

    code = "machine_token_unreadable"


class AddressForbidden(MachineUnusable):
    """Machines may not be where this one is registered."""

    code = "machine_address_private"


class _Open:
    """An open driver, what it was opened with, and how many use it."""

    def __init__(self, driver: Driver, known: state.Machine) -> None:
        self.driver = driver
        self.opened_with = (known.url, known.driver, known.sealed)
        self.users = 0


class DriverPool:
    """Pool of drivers: one for each machine in use, closed when the machine changes or goes."""

    def __init__(self, store: EventStore, open_driver: OpenDriver, sealer: Sealer) -> None:
        self._store = store
        self._open_driver = open_driver
        self._sealer = sealer
        self._sessions: dict[UUID, MachineSession] = {}
        self._open: dict[UUID, _Open] = {}
        self._outdated: list[_Open] = []
        self._one_at_a_time = asyncio.Lock()

    async def find(self, machine_id: UUID) -> state.Machine:
        """Return what is known of a machine.

        Raises:
            MachineMissing: it was never registered, or was removed.
            LogUnavailable: the log does not answer.

        """
        session = await self._session(machine_id)
        if session.state is None or session.state.removed:
            await self._forget(machine_id)
            raise MachineMissing("the deployment's machine is gone")
        return session.state

    def tenant_of(self, known: state.Machine) -> str:
        """Return whose machine that is, which was found before."""
        return self._sessions[known.id].tenant

    @asynccontextmanager
    async def using(self, known: state.Machine) -> AsyncIterator[MachineDriver]:
        """Yield the driver for the machine as it is *known*; it stays open while it is used.

        Raises (on entering):
            MachineUnusable: it can never be used as it is registered.

        """
        opened = await self._taken(known)
        try:
            yield opened.driver
        finally:
            opened.users -= 1
            await self._close_idle()

    async def close(self) -> None:
        """Close everything."""
        for opened in [*self._open.values(), *self._outdated]:
            await opened.driver.close()
        self._open.clear()
        self._outdated.clear()

    async def _session(self, machine_id: UUID) -> MachineSession:
        """Return all that has happened to a machine, reading only what is new."""
        session = self._sessions.get(machine_id)
        if session is None:
            session = self._sessions[machine_id] = Session(self._store, MACHINE, machine_id)
        await session.load()
        return session

    async def _forget(self, machine_id: UUID) -> None:
        self._sessions.pop(machine_id, None)
        if opened := self._open.pop(machine_id, None):
            self._outdated.append(opened)
        await self._close_idle()

    async def _taken(self, known: state.Machine) -> _Open:
        async with self._one_at_a_time:
            opened = self._open.get(known.id)
            if opened is None or opened.opened_with != (known.url, known.driver, known.sealed):
                fresh = await self._open_one(known)
                self._open[known.id] = fresh
                self._outdated += [opened] if opened else []
                opened = fresh
            # Still under the lock: from here on it is not taken for idle.
            opened.users += 1
        await self._close_idle()
        return opened

    async def _open_one(self, known: state.Machine) -> _Open:
        try:
            # Opened in clear only here: they live no longer than the driver.
            driver = await self._open_driver(known, in_clear(known, self._sealer))
        except CannotOpen as error:
            raise TokenUnreadable(f"a secret of the machine cannot be read: {error}") from error
        except AddressRefused as error:
            raise AddressForbidden(str(error)) from error
        except ValueError as error:
            raise MachineMissing(str(error)) from error
        return _Open(driver, known)

    async def _close_idle(self) -> None:
        idle = [opened for opened in self._outdated if not opened.users]
        self._outdated = [opened for opened in self._outdated if opened.users]
        for opened in idle:
            await opened.driver.close()
