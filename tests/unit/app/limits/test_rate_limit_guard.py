"""What an address counts for, and how the limits are told."""

from typing import Any, cast

import pytest
from litestar.types import Message, Scope

from app.limits.rate_limit import RateLimitState
from app.limits.rate_limit_guard import add_rate_limit_headers, network_of


@pytest.mark.parametrize(
    ("host", "subject"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("made-up", "unknown"),
    ],
)
def test_an_address_counts_for_whoever_has_it(host: str, subject: str) -> None:
    assert network_of(host) == subject


async def told(kind: str, **state: Any) -> list[tuple[bytes, bytes]]:
    message = cast("Message", {"type": kind, "status": 200, "headers": [(b"a", b"b")]})
    await add_rate_limit_headers(message, cast("Scope", {"state": state}))
    return list(cast("Any", message)["headers"])


async def test_the_standing_is_told_when_an_answer_begins() -> None:
    state = RateLimitState(policy="default", limit=10, remaining=3, ends_at=0.0)
    assert await told("http.response.start", rate_limit_state=state) == [
        (b"a", b"b"),
        (b"ratelimit-policy", b'"default";q=10;w=60'),
        (b"ratelimit", b'"default";r=3;t=1'),
    ]
    assert await told("http.response.body", rate_limit_state=state) == [(b"a", b"b")]


async def test_who_is_not_limited_is_told_nothing() -> None:
    assert await told("http.response.start") == [(b"a", b"b")]
