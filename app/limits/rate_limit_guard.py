"""Count each request against its address and its credential, and put the state into headers.

Headers: draft-ietf-httpapi-ratelimit-headers. A stream counts once, when it is opened.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Message, Scope
from msgspec import Struct

from app.limits.rate_counter import MINUTE
from app.limits.rate_limit import RateLimit, RateLimitState
from infra.telemetry.api_metrics import Checked

_STATE = "rate_limit_state"
_PREFIX = 64
"""Bits of an IPv6 address that one customer has at least (RFC 6177)."""


class RateLimits(Struct, frozen=True, kw_only=True):
    """The limits that every request is counted against."""

    address: RateLimit
    credential: RateLimit
    checked: Callable[[str, Checked], None]
    """Counts what came of each look, by the limit's name."""


async def limit_address(
    connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler
) -> None:
    """Count a request against its address, before it is authenticated.

    Raises:
        RateLimited: too many came from there.

    """
    limits: RateLimits = connection.app.state.rate_limits
    client = connection.scope["client"]
    await _count(connection, limits, limits.address, network_of(client[0] if client else ""))


async def limit_credential(
    connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler
) -> None:
    """Count a request against the key or token it came with.

    Raises:
        RateLimited: too many came with it.

    """
    limits: RateLimits = connection.app.state.rate_limits
    # Nobody need say who they are to ask which methods there are (OPTIONS).
    if caller := connection.scope["state"].get("caller"):
        # A page's visitors use up their run's share, never that of the key behind it.
        subject = f"ticket:{caller.ticket}" if caller.ticket else caller.credential
        await _count(connection, limits, limits.credential, subject)


async def add_rate_limit_headers(message: Message, scope: Scope) -> None:
    """Put the RateLimit headers on an answer."""
    if message["type"] == "http.response.start" and (state := scope["state"].get(_STATE)):
        message["headers"] = [*message["headers"], *_headers(state)]


async def _count(
    connection: ASGIConnection[Any, Any, Any, Any],
    limits: RateLimits,
    limit: RateLimit,
    subject: str,
) -> None:
    if not limit.limit:
        return
    admitted, state = await limit.count(subject)
    limits.checked(limit.policy, Checked.ADMITTED if admitted else Checked.REFUSED)
    connection.scope["state"][_STATE] = state
    if not admitted:
        raise limit.refusal(state)


def _headers(state: RateLimitState) -> list[tuple[bytes, bytes]]:
    seconds = state.seconds_left(time.monotonic())
    policy = f'"{state.policy}";q={state.limit};w={MINUTE}'
    now = f'"{state.policy}";r={state.remaining};t={seconds}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", now.encode())]


@lru_cache(maxsize=4096)
def network_of(host: str) -> str:
    """Return the subject that an address counts for: itself, or the network of an IPv6 customer."""
    try:
        address = ip_address(host)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> _PREFIX << _PREFIX)}/{_PREFIX}"
