"""Address guard: which hosts an outsider may make us connect to, for input URLs and machines alike.

An address is judged together with every IPv4 address that it stands for, since a gateway on the way
may translate it.
"""

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_NEVER = (
    IPv4Network("169.254.0.0/16"),  # link-local: AWS, Azure, Google and others serve metadata here
    IPv6Network("fe80::/10"),
    IPv4Network("100.100.100.200/32"),  # Alibaba's metadata
    IPv4Network("168.63.129.16/32"),  # Azure's wire server: a public address, answered inside
    IPv4Network("192.0.0.192/32"),  # Oracle's metadata
    IPv6Network("fd00:ec2::/32"),  # Amazon's services of an instance
    IPv6Network("fd20:ce::254/128"),  # Google's metadata
    IPv6Network("fd00:42::42/128"),  # Scaleway's metadata
    IPv6Network("64:ff9b:1::/48"),  # RFC 8215: where it leads, each network decides for itself
)
"""Refused whatever is allowed: cloud metadata hands secrets to every client inside."""

_NOT_PUBLIC = (
    IPv4Network("192.0.0.0/24"),  # Python's own list has holes here, others in each version
    IPv4Network("192.88.99.0/24"),  # RFC 7526: relays of 6to4
    IPv6Network("2001::/23"),
    IPv6Network("3fff::/20"),  # RFC 9637: documentation
)
"""Beside what the library knows: IANA's registries of special-purpose addresses."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""Upper half of an interface id that ends in an IPv4 address (RFC 5214)."""

_LOW_32 = 0xFFFFFFFF
_SPECIAL = frozenset({IPv6Address("::"), IPv6Address("::1")})

_PRIVATE_NAMES = ("localhost", "local", "internal")
"""Top-level names that never leave a machine or a network (RFC 6761, RFC 6762, ICANN)."""

_NEVER_NAMES = frozenset({"metadata.google.internal", "metadata.goog", "metadata"})


def is_host_allowed(host: str, *, allow_private: bool) -> bool:
    """Check what can be checked of a host without resolving it."""
    address = literal_address(host)
    if address is not None:
        return is_address_allowed(address, allow_private=allow_private)
    if host.rstrip(".").lower() in _NEVER_NAMES:
        return False
    return allow_private or not is_private_name(host)


def is_address_allowed(address: Address, *, allow_private: bool) -> bool:
    """Check whether we may connect to *address*."""
    meant: list[Address] = [address]
    if isinstance(address, IPv6Address):
        meant += inner_ipv4(address)
    if any(one in network for one in meant for network in _NEVER):
        return False
    if any(one.is_multicast for one in meant):
        return False
    return allow_private or is_public(address)


def is_public(address: Address) -> bool:
    """Check whether *address* belongs to one host of the open internet.

    An IPv6 address that is translated on the way is judged by the IPv4 address it becomes.
    """
    if any(address in network for network in (*_NEVER, *_NOT_PUBLIC)):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    inner = inner_ipv4(address)
    if not all(map(is_public, inner)):
        return False
    if address in _NAT64 or address.ipv4_mapped is not None:
        return True
    return address in _GLOBAL_UNICAST and (address.sixtofour is not None or address.is_global)


def inner_ipv4(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """Return every IPv4 address that an IPv6 address may stand for."""
    return tuple(_inner_ipv4(address))


def _inner_ipv4(address: IPv6Address) -> Iterator[IPv4Address]:
    number = int(address)
    carries = address in _NAT64 or address in _COMPATIBLE or address in _TRANSLATED
    if (carries and address not in _SPECIAL) or (number >> 32 & _LOW_32) in _ISATAP:
        yield IPv4Address(number & _LOW_32)
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo


def is_private_name(host: str) -> bool:
    """Check whether a name is private whatever it resolves to."""
    return host.rstrip(".").lower().rpartition(".")[2] in _PRIVATE_NAMES


def is_no_host(host: str) -> bool:
    """Check whether *host* looks like an address and is none.

    aiohttp takes it for one, and would not ask our resolver about it.
    """
    return literal_address(host) is None and (":" in host or host.replace(".", "").isdigit())


def literal_address(host: str) -> Address | None:
    """Read *host* as an address in any notation that connects; None for a name.

    IPv4 may come as a system's C library takes it: 127.1, 0x7f000001, 2130706433, 0177.0.0.1.
    """
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host.rstrip(".")))
    except OSError:
        return None
