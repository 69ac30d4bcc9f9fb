"""The command line as a process that knows a server and a key, far from any data folder."""

import asyncio
import json
import os
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.e2e.system import System

COMMAND = str(Path(sys.executable).with_name("comfyd"))
Comfyd = Callable[..., "Ended"]
GraphFile = Callable[[dict[str, Any]], str]


class Ended:
    """What a command left behind."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        assert self.code in {0, 1}, self.err
        return json.loads(self.out)


def command_line(system: System, folder: Path) -> Comfyd:
    """Return the command, as the user cli, with its home in *folder*."""
    base, access = environment(folder), access_to(system)

    def run(*arguments: str, stdin: str = "", login: bool = True, **env: str) -> Ended:
        return Ended(
            subprocess.run(
                [COMMAND, *arguments],
                input=stdin,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
                env={**base, **(access if login else {}), **env},
            )
        )

    return run


@asynccontextmanager
async def started(
    system: System, folder: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """Start the command as the user cli, without waiting for its end."""
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**environment(folder), **access_to(system), **(env or {})},
    )
    try:
        async with asyncio.timeout(60):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def environment(folder: Path) -> dict[str, str]:
    """Return the variables of a user whose home is *folder*."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "COMFYD_DATA": str(folder / "nothing"),
        "LANG": "C.UTF-8",
        "COLUMNS": "200",
    }


def access_to(system: System) -> dict[str, str]:
    """Return the variables that lead to the system, as the user cli."""
    return {"COMFYD_URL": system.url, "COMFYD_KEY": system.token("cli")}
