"""Supervisor of comfyd's own processes and its servers: restarts what ends too early."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.embedded.child import Child, Command, start
from infra.embedded.errors import ServerFailed
from infra.embedded.servers import Servers

LOOK_EVERY = 0.1
LONGEST_PAUSE = 5.0
"""Longest pause before another start of a process that keeps ending, in seconds."""

STOP_WITHIN = 5.0

LOOK_FOR_FAULTS_EVERY = 2.0
"""Seconds between two checks of the servers."""

OnRestart = Callable[[str, int], None]
"""Called with the process that is started again, and its exit code."""

OnFault = Callable[[str, str], None]
"""Called with the server that runs but cannot work, and its reason."""


def python_process(name: str, *arguments: str, logs: Path, env: Mapping[str, str]) -> Command:
    """Describe a process of our own."""
    return Command(
        name=name,
        # -P: the folder we stand in can never shadow a library.
        argv=(sys.executable, "-P", "-m", *arguments),
        folder=logs.parent,
        log=logs / f"{name}.log",
        env={"LANG": os.environ.get("LANG", "C.UTF-8"), **env},
    )


EXIT_CANNOT_START = 2
"""Exit code of a process of ours that cannot start with its settings, however often it is tried."""


class ProcessRefused(Exception):
    """A process of ours ended for good; the message is the last line of its log."""

    def __init__(self, name: str, log: Path) -> None:
        lines = log.read_text("utf-8", "replace").split("\n") if log.exists() else []
        last = next((line for line in reversed(lines) if line.strip()), f"{name}: {log}")
        super().__init__(last.removeprefix("comfyd: "))


class Supervisor:
    """All processes of a one-machine comfyd."""

    def __init__(
        self,
        servers: Servers,
        on_restart: OnRestart,
        on_fault: OnFault = lambda _name, _reason: None,
    ) -> None:
        self._servers = servers
        self._on_restart = on_restart
        self._on_fault = on_fault
        self._faulty: set[str] = set()
        self._stopped: set[str] = set()
        """Those of them that were stopped for it."""
        self._commands: dict[str, Command] = {}
        self.children: dict[str, Child] = {}
        self._pauses: dict[str, float] = {}

    def start(self, command: Command) -> None:
        """Start a process, and restart it from now on."""
        self._commands[command.name] = command
        self.children[command.name] = start(command)

    async def watch(self) -> None:
        """Restart what ends, for ever.

        Raises:
            ProcessRefused: a process of ours has ended with EXIT_CANNOT_START.

        """
        clock = asyncio.get_running_loop().time
        look_for_faults_at = clock()
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if clock() >= look_for_faults_at:
                await self._look_for_faults()
                look_for_faults_at = clock() + LOOK_FOR_FAULTS_EVERY
            for name in self._servers.dead():
                await self._restart(name, self._servers.children[name], self._launch_server)
            for name, child in list(self.children.items()):
                if child.exit_code == EXIT_CANNOT_START:
                    raise ProcessRefused(name, self._commands[name].log)
                if child.exit_code is not None:
                    await self._restart(name, child, self._launch_process)

    def stop(self) -> None:
        """Stop everything, the last one started first."""
        backwards = list(reversed(self.children.values()))
        for child in backwards:
            child.ask_to_stop()
        for child in backwards:
            child.stop(STOP_WITHIN)
        self._servers.stop()

    async def _look_for_faults(self) -> None:
        for name in self._servers.names:
            with suppress(OSError):
                reason = await asyncio.to_thread(self._servers.fault, name)
                await self._stop_faulty(name, reason)

    async def _stop_faulty(self, name: str, reason: str | None) -> None:
        """Stop a server that runs but cannot work, once its disk has room: a new start repairs it.

        One that a new start has not repaired is left as it is.
        """
        if reason is None:
            self._faulty.discard(name)
            self._stopped.discard(name)
        elif name not in self._faulty:
            self._faulty.add(name)
            self._on_fault(name, reason)
        elif name not in self._stopped and await asyncio.to_thread(self._servers.have_room):
            self._stopped.add(name)
            # Seen as dead at the next look, and started again.
            self._servers.children[name].ask_to_stop()

    async def _restart(self, name: str, child: Child, launch: Callable[[str], None]) -> None:
        pause = self._pauses.get(name, 0.0)
        self._pauses[name] = min(pause * 2 or 0.2, LONGEST_PAUSE)
        self._on_restart(name, child.exit_code or 0)
        await asyncio.sleep(pause)
        launch(name)
        asyncio.get_running_loop().call_later(30, self._pauses.pop, name, None)

    def _launch_process(self, name: str) -> None:
        with self._retried_later(name):
            self.children[name] = start(self._commands[name])

    def _launch_server(self, name: str) -> None:
        with self._retried_later(name):
            self._servers.launch(name)

    @contextmanager
    def _retried_later(self, name: str) -> Iterator[None]:
        """Retry a start that fails, on a full disk perhaps: the next look finds it dead."""
        try:
            yield
        except (ServerFailed, OSError):
            self._pauses[name] = LONGEST_PAUSE
