"""Listening sockets, opened before anything else, so that a fault is reported early."""

import errno
import socket
from contextlib import ExitStack

from msgspec import Struct

from events.messages.texts import Texts
from infra.translation import translate

LOOPBACK = "127.0.0.1"
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 -- compared, not bound

MESSAGES: Texts = {
    "taken": (
        "{port_setting}: port {port} of {host} is taken, perhaps by another `comfyd up`: "
        "stop it, or set another port"
    ),
    "foreign": (
        "{host_setting}: this computer does not have the address {host}; 0.0.0.0 means all of its "
        "addresses"
    ),
    "forbidden": "{port_setting}: port {port} requires root; set one from 1024 to 65535",
    "no_host": ("{host_setting}: '{host}' is not an address of this computer or a name for one"),
    "other": "{host_setting}, {port_setting}: cannot listen on {host}, port {port}: {reason}",
}

_CODES = {
    errno.EADDRINUSE: "taken",
    errno.EADDRNOTAVAIL: "foreign",
    errno.EACCES: "forbidden",
}


class Listener(Struct, frozen=True, kw_only=True):
    """The settings that say where something listens."""

    host: str
    port: str


PUBLIC = Listener(host="COMFYD_HOST", port="COMFYD_PORT")
PLUGIN = Listener(host="COMFYD_PLUGIN_PORT", port="COMFYD_PLUGIN_PORT")


class CannotListen(Exception):
    """It is not possible to listen at this address now; `text` says why and what to do."""

    def __init__(self, code: str, **params: object) -> None:
        self.code = code
        self.params = params
        super().__init__(self.text())

    def text(self, language: str = "en") -> str:
        """Return the sentence in *language*: en or zh."""
        return translate(MESSAGES[self.code], language, self.params)


def listen(
    host: str, port: int, *, settings: Listener = PUBLIC, backlog: int = 1
) -> list[socket.socket]:
    """Listen on every address that *host* stands for; `::` is everywhere, IPv4 included.

    Raises:
        CannotListen: on one of them it is not possible.

    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        raise _cannot_listen("no_host", settings, host=host) from None
    with ExitStack() as undo:
        opened = []
        for family, address in dict.fromkeys((found_[0], found_[4]) for found_ in found):
            try:
                one = socket.create_server(
                    address,
                    family=family,
                    backlog=backlog,
                    dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
                )
            except OSError as error:
                code = _CODES.get(error.errno or 0, "other")
                reason = error.strerror or error
                raise _cannot_listen(code, settings, host=host, port=port, reason=reason) from error
            opened.append(undo.enter_context(one))
        undo.pop_all()
    return opened


def listen_for_plugin(port: int, *, backlog: int = 1) -> list[socket.socket]:
    """Listen where comfyui-deploy's plugin looks for an API on its own computer; 0: nowhere.

    Raises:
        CannotListen: the port is taken, or not allowed.

    """
    return listen(LOOPBACK, port, settings=PLUGIN, backlog=backlog) if port else []


def reachable(host: str) -> str:
    """Return where, in a URL, those on this machine find who listens on *host*."""
    if host in {*_EVERYWHERE, "localhost"}:
        return LOOPBACK
    return f"[{host}]" if ":" in host else host


def _cannot_listen(code: str, settings: Listener, **params: object) -> CannotListen:
    return CannotListen(code, host_setting=settings.host, port_setting=settings.port, **params)
