"""Counts each request against its address and its credential, and tells clients how they stand.

Headers: draft-ietf-httpapi-ratelimit-headers. A stream counts once, when it is opened.
"""

import time
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Message, Scope

from app.house import House
from app.rate_counter import MINUTE
from app.rate_limit import RateLimit, Standing
from infra.telemetry.api_metrics import Checked

_STANDING = "rate_limit_standing"
_PREFIX = 64
"""Bits of an IPv6 address that one customer has at least (RFC 6177)."""


async def limit_address(
    connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler
) -> None:
    """Count a request against where it comes from, before anybody looks who it is.

    Raises:
        RateLimited: too many came from there.

    """
    house: House = connection.app.state.house
    client = connection.scope["client"]
    await _count(connection, house.address_limit, network_of(client[0] if client else ""))


async def limit_credential(
    connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler
) -> None:
    """Count a request against the key or token it came with.

    Raises:
        RateLimited: too many came with it.

    """
    house: House = connection.app.state.house
    # Nobody need say who they are to ask which methods there are (OPTIONS).
    if caller := connection.scope["state"].get("caller"):
        # A page's visitors use up their run's share, never that of the key behind it.
        subject = f"ticket:{caller.ticket}" if caller.ticket else caller.credential
        await _count(connection, house.credential_limit, subject)


async def tell_standing(message: Message, scope: Scope) -> None:
    """Put the RateLimit headers on an answer."""
    if message["type"] == "http.response.start" and (standing := scope["state"].get(_STANDING)):
        message["headers"] = [*message["headers"], *_headers(standing)]


async def _count(
    connection: ASGIConnection[Any, Any, Any, Any], limit: RateLimit, subject: str
) -> None:
    if not limit.limit:
        return
    admitted, standing = await limit.count(subject)
    house: House = connection.app.state.house
    house.metrics.checked(limit.policy, Checked.ADMITTED if admitted else Checked.REFUSED)
    connection.scope["state"][_STANDING] = standing
    if not admitted:
        raise limit.refusal(standing)


def _headers(standing: Standing) -> list[tuple[bytes, bytes]]:
    seconds = standing.seconds_left(time.monotonic())
    policy = f'"{standing.policy}";q={standing.limit};w={MINUTE}'
    now = f'"{standing.policy}";r={standing.remaining};t={seconds}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", now.encode())]


@lru_cache(maxsize=4096)
def network_of(host: str) -> str:
    """Give the subject that an address counts for: itself, or the network of an IPv6 customer."""
    try:
        address = ip_address(host)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> _PREFIX << _PREFIX)}/{_PREFIX}"
