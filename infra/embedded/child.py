"""One server as a child process: it logs to a file, dies with us, and is stopped politely."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from infra.embedded.errors import ServerFailed

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_POLL = 0.02
_LOG_LIMIT = 8 * 1024 * 1024
_SHOWN_LINES = 15


class Account(Struct, frozen=True, kw_only=True):
    """Who a child runs as; by default, who we are."""

    wrapper: tuple[str, ...] = ()
    """A command that makes the change and then becomes the child."""

    uid: int | None = None
    gid: int | None = None


class Command(Struct, frozen=True, kw_only=True):
    """How to start a child."""

    name: str
    """What people call the server."""

    argv: tuple[str, ...]
    folder: Path
    """Where it runs, and its HOME."""

    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM
    """What the kernel sends it when we die first (Linux only)."""

    stop_within: float = 5.0
    """Seconds from the stop signal until it is killed."""

    account: Account = Account()
    env: Mapping[str, str] = {}
    """What it finds in its environment, besides PATH, HOME and the C locale."""


class Child:
    """A started process."""

    def __init__(self, command: Command, process: subprocess.Popen[bytes], log_start: int) -> None:
        self.command = command
        self._process = process
        self._log_start = log_start

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, as in subprocess; None while it runs."""
        return self._process.poll()

    def wait_ready(self, probe: Callable[[], bool], *, within: float) -> None:
        """Wait until *probe* says yes, at most *within* seconds.

        Raises:
            ServerFailed: it died first, or the time is over.

        """
        deadline = time.monotonic() + within
        while not probe():
            if self.exit_code is not None:
                raise self._died()
            if time.monotonic() > deadline:
                raise self._failed("server_silent", seconds=f"{within:g}")
            time.sleep(_POLL)

    def wait_done(self, *, within: float) -> None:
        """Wait until it ends by itself with success, at most *within* seconds.

        Raises:
            ServerFailed: it ended otherwise, or the time is over (then it is killed).

        """
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise self._failed("server_silent", seconds=f"{within:g}") from error
        if self.exit_code:
            raise self._died()

    def ask_to_stop(self) -> None:
        """Send its stop signal; nothing happens when it is over."""
        if self.exit_code is None:
            self._process.send_signal(self.command.stop_signal)

    def kill(self) -> None:
        """End it at once; nothing happens when it is over."""
        self._process.kill()
        self._process.wait()

    def stop(self, within: float | None = None) -> None:
        """Ask it to stop; kill it after *within* seconds, by default its own `stop_within`."""
        self.ask_to_stop()
        self.wait_or_kill(within=self.command.stop_within if within is None else within)

    def wait_or_kill(self, *, within: float) -> None:
        """Wait for its end, at most *within* seconds; then kill it."""
        try:
            self._process.wait(max(within, 0))
        except subprocess.TimeoutExpired:
            self.kill()

    def _died(self) -> ServerFailed:
        return self._failed("server_died", exit_code=str(self.exit_code))

    def _failed(self, code: str, **params: str) -> ServerFailed:
        log = self.command.log
        with log.open("rb") as stream:
            stream.seek(self._log_start)
            lines = stream.read().decode("utf-8", "replace").splitlines()[-_SHOWN_LINES:]
        return ServerFailed(
            code, server=self.command.name, log=str(log), lines="\n".join(lines), **params
        )


def start(command: Command, *, keep_open: Sequence[int] = ()) -> Child:
    """Start a child; it inherits nothing but the descriptors in *keep_open*.

    Raises:
        RuntimeError: called from another thread than the main one. The kernel ends a child with
            the thread that started it, not with the process.

    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("start children from the main thread")
    command.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _rotate(command.log)
    with command.log.open("ab") as log:
        log_start = log.tell()  # before the child moves it: the position is shared
        process = subprocess.Popen(  # noqa: S603 -- our own argv, no shell
            (*command.account.wrapper, *command.argv),
            cwd=command.folder,
            env=_environment(command.folder) | dict(command.env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=keep_open,
            umask=0o077,  # SeaweedFS listens on sockets in /tmp, too
            user=command.account.uid,
            group=command.account.gid,
            extra_groups=None if command.account.uid is None else [],
            # Ctrl-C goes to us alone; we stop the children when we no longer need them.
            process_group=0,
            preexec_fn=_tie_to(os.getpid(), command.orphan_signal),  # noqa: PLW1509 -- main thread
        )
        return Child(command, process, log_start)


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_name(log.name + ".1"))


def _environment(folder: Path) -> dict[str, str]:
    """Leave out what is ours: servers take AWS_*, PG* and WEED_* variables for their own."""
    return {"PATH": os.defpath, "HOME": str(folder), "LC_ALL": "C"}


def _tie_to(parent: int, orphan_signal: signal.Signals) -> Callable[[], None] | None:
    """Have the kernel signal the child when this process dies, in whatever way. Linux only."""
    if sys.platform != "linux":
        return None

    def tie() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, orphan_signal)
        if os.getppid() != parent:
            os._exit(1)  # we died before the tie was made

    return tie
