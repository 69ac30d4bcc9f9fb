"""Keeps one open driver for each machine, and follows a machine that has moved."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Protocol
from uuid import UUID

from events.decider import MACHINE
from infra.event_store import EventStore, load
from infra.machine import Machine


class Driver(Machine, Protocol):
    """A machine's driver, which holds connections."""

    async def close(self) -> None:
        """Give them up."""


OpenDriver = Callable[[str], Awaitable[Driver]]
"""Opens the driver for a machine's URL."""


class MachineMissing(Exception):
    """There is no machine with this id."""


class Machines:
    """The machines this worker has talked to."""

    def __init__(self, store: EventStore, open_driver: OpenDriver, exits: AsyncExitStack) -> None:
        self._store = store
        self._open_driver = open_driver
        self._exits = exits
        self._open: dict[str, Machine] = {}
        self._one_at_a_time = asyncio.Lock()

    async def get(self, machine_id: UUID) -> Machine:
        """Give the driver for the machine's present address.

        Raises:
            MachineMissing: nobody registered it, or under an address that is none.
            LogUnavailable: the log does not answer.

        """
        machine = await load(self._store, MACHINE, machine_id)
        if machine.state is None:
            raise MachineMissing(str(machine_id))
        url = machine.state.current.url
        async with self._one_at_a_time:
            if url not in self._open:
                try:
                    driver = await self._open_driver(url)
                except ValueError as error:
                    raise MachineMissing(str(error)) from error
                self._exits.push_async_callback(driver.close)
                self._open[url] = driver
        return self._open[url]
