"""Public addresses: which hosts an outsider may make us talk to."""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_PRIVATE_NAMES = ("localhost", "local", "internal")
"""Top-level names that never leave a machine or a network (RFC 6761, RFC 6762, ICANN)."""


def is_public(address: Address) -> bool:
    """Tell whether *address* belongs to one host of the open internet.

    An IPv6 address that stands for an IPv4 address is judged by that one.
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    inner = inner_ipv4(address)
    if inner is not None:
        return is_public(inner)
    return address in _GLOBAL_UNICAST and address.is_global


def is_private_name(host: str) -> bool:
    """Tell whether a name is private whatever it resolves to."""
    return host.rstrip(".").lower().rpartition(".")[2] in _PRIVATE_NAMES


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


def inner_ipv4(address: IPv6Address) -> IPv4Address | None:
    """Give the IPv4 address that an IPv6 address stands for, if it does."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
