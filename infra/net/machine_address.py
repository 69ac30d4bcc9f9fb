"""Which addresses a machine may have: people name them, and workers call them from inside."""

import errno
from ipaddress import IPv4Address, IPv6Address

from aiohttp.abc import AbstractResolver

from infra.net.guarded_resolver import GuardedResolver
from infra.net.public_address import is_host_allowed, is_no_host


class AddressRefused(ValueError):
    """No machine may have this address."""

    def __init__(self, host: str) -> None:
        self.host = host
        super().__init__(f"{host} is not an address that a machine may have here")


def check_host(host: str, *, allow_private: bool) -> None:
    """Refuse what can be refused of a machine's host without asking anyone.

    Raises:
        AddressRefused: it is no address, or none that a machine may have.

    """
    if is_no_host(host) or not is_host_allowed(host, allow_private=allow_private):
        raise AddressRefused(host)


def machine_resolver(resolver: AbstractResolver, *, allow_private: bool) -> AbstractResolver:
    """Return a resolver of names whose every address a machine may have."""
    return GuardedResolver(resolver, allow_private=allow_private, refuse=_unreachable)


def _unreachable(host: str, address: IPv4Address | IPv6Address) -> OSError:
    # As a name that does not resolve: it may be another tomorrow.
    return OSError(errno.EHOSTUNREACH, f"{host} leads to {address}, where no machine may be")
