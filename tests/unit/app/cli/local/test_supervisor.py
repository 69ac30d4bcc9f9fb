"""The supervisor goes on whatever happens to those it watches over."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import cast

import pytest

from app.cli.local import supervisor
from app.cli.local.supervisor import Supervisor
from infra.embedded.servers import Servers


class OneServer:
    """A server as the test wants it: dead or alive, well or not, on a disk with room or without."""

    names = ("nats",)

    def __init__(self) -> None:
        self.alive = True
        self.reason: str | None = None
        self.room = False
        self.mends = True
        self.launches: list[str] = []
        self.errors: list[OSError] = []
        self.stopped = 0
        self.children = {"nats": SimpleNamespace(exit_code=0, ask_to_stop=self._stop)}

    def _stop(self) -> None:
        self.stopped += 1
        self.alive = False

    def dead(self) -> list[str]:
        """Name it if it is."""
        return [] if self.alive else ["nats"]

    def fault(self, _name: str) -> str | None:
        """Return the fault that the part reports."""
        if not self.alive:
            raise ConnectionRefusedError
        return self.reason

    def have_room(self) -> bool:
        """Set whether there is room."""
        return self.room

    def launch(self, name: str) -> None:
        """Start it, or fail."""
        self.launches.append(name)
        if self.errors:
            raise self.errors.pop()
        self.alive = True
        if self.mends:
            self.reason = None


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> OneServer:
    for name in ("LOOK_EVERY", "LOOK_FOR_FAULTS_EVERY", "LONGEST_PAUSE"):
        monkeypatch.setattr(supervisor, name, 0.001)
    return OneServer()


async def watch(server: OneServer, until: Callable[[], bool]) -> list[tuple[str, str]]:
    """Watch until something is so; give the faults that were told."""
    faults: list[tuple[str, str]] = []
    watched = Supervisor(
        cast("Servers", server), lambda *_: None, lambda name, reason: faults.append((name, reason))
    )
    watching = asyncio.create_task(watched.watch())
    async with asyncio.timeout(30):
        while not until():
            assert not watching.done(), watching.exception()
            await asyncio.sleep(0.001)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    return faults


async def test_a_start_that_fails_on_a_full_disk_is_tried_again(server: OneServer) -> None:
    server.alive = False
    server.errors = [OSError(28, "No space left on device")] * 3
    await watch(server, lambda: server.alive)
    assert server.launches == ["nats"] * 4


async def test_a_server_that_cannot_write_is_started_anew_once_there_is_room(
    server: OneServer,
) -> None:
    server.reason = "no space left on device"
    looks = iter(range(20))
    told = await watch(server, lambda: next(looks, None) is None)
    assert (told, server.stopped) == ([("nats", "no space left on device")], 0)
    server.room = True
    await watch(server, lambda: server.launches == ["nats"])
    assert server.stopped == 1
    assert server.reason is None


async def test_a_server_that_no_start_mends_is_told_and_started_anew_once(
    server: OneServer,
) -> None:
    server.reason, server.room, server.mends = "a stream could not be recovered", True, False
    looks = iter(range(100))
    told = await watch(server, lambda: next(looks, None) is None)
    assert told == [("nats", "a stream could not be recovered")]
    assert (server.stopped, server.launches) == (1, ["nats"])
