"""Which addresses a machine may have: people name them, and workers call them from inside."""

import errno
import socket
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from infra.public_address import Address, inner_ipv4, is_private_name, is_public, literal_address

_NEVER = (
    IPv4Network("169.254.0.0/16"),  # link-local: AWS, Azure, Google and others serve metadata here
    IPv6Network("fe80::/10"),
    IPv4Network("100.100.100.200/32"),  # Alibaba's metadata
    IPv4Network("192.0.0.192/32"),  # Oracle's
    IPv6Network("fd00:ec2::254/128"),  # Amazon's
    IPv6Network("fd20:ce::254/128"),  # Google's
)
"""Where the secrets of a cloud's machine are told to whoever asks from it."""

_NEVER_NAMES = frozenset({"metadata.google.internal", "metadata.goog", "metadata"})


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
    address = literal_address(host)
    if address is not None:
        if not _allowed(address, allow_private=allow_private):
            raise AddressRefused(host)
        return
    named_for_secrets = host.rstrip(".").lower() in _NEVER_NAMES
    private = is_private_name(host) and not allow_private
    # aiohttp takes it for an address and would not ask our resolver about it.
    looks_like_address = ":" in host or host.replace(".", "").isdigit()
    if named_for_secrets or private or looks_like_address:
        raise AddressRefused(host)


def _allowed(address: Address, *, allow_private: bool) -> bool:
    inner = inner_ipv4(address) if isinstance(address, IPv6Address) else None
    judged = inner or address
    if any(judged in network for network in _NEVER) or judged.is_multicast:
        return False
    return allow_private or is_public(judged)


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
            if not _allowed(address, allow_private=self._allow_private):
                # As a name that does not resolve: it may be another tomorrow.
                words = f"{host} leads to {address}, where no machine may be"
                raise OSError(errno.EHOSTUNREACH, words)
        return found

    @override
    async def close(self) -> None:
        await self._resolver.close()
