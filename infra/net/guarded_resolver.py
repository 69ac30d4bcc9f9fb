"""Names whose every address is allowed: checked at the moment of connecting."""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from infra.net.public_address import is_address_allowed

Refuse = Callable[[str, IPv4Address | IPv6Address], Exception]


class GuardedResolver(AbstractResolver):
    """Resolve names, and raise what *refuse* returns for a name with a forbidden address.

    What is checked here is what is connected to, so a name that changes its mind gains nothing.
    """

    def __init__(self, resolver: AbstractResolver, *, allow_private: bool, refuse: Refuse) -> None:
        self._resolver = resolver
        self._allow_private = allow_private
        self._refuse = refuse

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for one in found:
            # A scope, as in fe80::1%eth0, is no part of what is judged.
            address = ip_address(one["host"].partition("%")[0])
            if not is_address_allowed(address, allow_private=self._allow_private):
                raise self._refuse(host, address)
        return found

    @override
    async def close(self) -> None:
        await self._resolver.close()
