"""Which addresses a machine may have: people name them, and workers call them from inside."""

import errno
import socket
from ipaddress import ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from infra.net.public_address import is_address_allowed, is_host_allowed, is_no_host


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


class MachineResolver(AbstractResolver):
    """Resolves names whose every address a machine may have, at the moment of connecting.

    What is checked here is what is connected to, so a name that changes its mind gains nothing.
    """

    def __init__(self, resolver: AbstractResolver, *, allow_private: bool) -> None:
        self._resolver = resolver
        self._allow_private = allow_private

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for one in found:
            # A scope, as in fe80::1%eth0, is no part of what is judged.
            address = ip_address(one["host"].partition("%")[0])
            if not is_address_allowed(address, allow_private=self._allow_private):
                # As a name that does not resolve: it may be another tomorrow.
                words = f"{host} leads to {address}, where no machine may be"
                raise OSError(errno.EHOSTUNREACH, words)
        return found

    @override
    async def close(self) -> None:
        await self._resolver.close()
