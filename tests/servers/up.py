"""A `comfyd up` of a test's own, in a folder of its own, as a person starts it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

from infra.embedded.ports import LOOPBACK
from infra.settings.settings import SETTING_NAMES
from tests.network.ports import free_port

PROGRAM = Path(sys.executable).with_name("comfyd")
PATIENCE = 180.0
"""Seconds after which something that has not come is missing, on the busiest machine."""


class Up:
    """A running `comfyd up`."""

    def __init__(self, data: Path, port: int, process: subprocess.Popen[bytes], out: Path) -> None:
        self.data = data
        self.port = port
        self.url = f"http://{LOOPBACK}:{port}"
        self._process = process
        self._out = out

    @property
    def said(self) -> str:
        """All it has printed so far."""
        return self._out.read_text("utf-8", "replace")

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def processes(self) -> list[psutil.Process]:
        """List it and all it has started."""
        own = psutil.Process(self._process.pid)
        return [own, *own.children(recursive=True)]

    def connections(self, kind: str) -> Iterator[tuple[psutil.Process, Any]]:
        """List the sockets of all of them, but of those that end meanwhile."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                yield from ((process, found) for found in process.net_connections(kind))

    def named(self, name: str) -> psutil.Process:
        """Find the one whose command line has *name* in it, the eldest first."""
        return next(p for p in self.processes()[1:] if name in " ".join(p.cmdline()))

    def wait_for(self, condition: Callable[[], bool], *, within: float = PATIENCE) -> None:
        """Wait until something is so; fail with all that was printed."""
        deadline = time.monotonic() + within
        while not condition():
            assert self.exit_code is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.1)

    def readiness(self) -> dict[str, str]:
        """Ask /health/ready; what it says of a server that does not answer is nothing."""
        try:
            answer = httpx.get(f"{self.url}/health/ready", trust_env=False, timeout=10)
        except httpx.TransportError:
            return {}
        told: dict[str, str] = answer.json()
        return told

    def token(self) -> str:
        """Make a token of its owner, as `comfyd token` does."""
        env = {**_bare(), "COMFYD_DATA": str(self.data)}
        argv = (PROGRAM, "token")
        made = subprocess.run(argv, env=env, capture_output=True, check=True, text=True)
        return made.stdout.strip()


@contextmanager
def running_up(data: Path, out: Path, **settings: str) -> Iterator[Up]:
    """Start it, wait for the end of its sample run, and stop it at the end."""
    port = free_port()
    env = {**_bare(), "COMFYD_DATA": str(data), "COMFYD_PORT": str(port), **settings}
    with (
        out.open("wb") as stream,
        subprocess.Popen((PROGRAM, "up"), env=env, stdout=stream, stderr=stream) as process,
    ):
        up = Up(data, port, process, out)
        try:
            up.wait_for(lambda: "Ctrl-C" in up.said)
            yield up
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _bare() -> dict[str, str]:
    ours = {*SETTING_NAMES, "COMFYUI_URL", "COMFYD_DATA", "LANG", "LC_ALL", "LANGUAGE"}
    return {n: v for n, v in os.environ.items() if n not in ours} | {"LANG": "C.UTF-8"}
