"""The guard of input URLs and the guard of machines refuse the same addresses."""

from collections.abc import Awaitable, Callable

import pytest

from infra.net.machine_address import AddressRefused, check_host, machine_resolver
from infra.net.url_fetch import UrlRefused, check_url, url_resolver
from tests.fakes.resolver import FakeResolver

METADATA = ("169.254.169.254", "168.63.129.16", "192.0.0.192", "100.100.100.200")
WAYS = (
    "{v4}",
    "::ffff:{v4}",
    "::{v4}",
    "::ffff:0:{v4}",
    "64:ff9b::{v4}",
    "64:ff9b:1::{v4}",
    "64:ff9b:1:a9fe:a9:fe00::",
    "2002:{hex}::1",
    "2001:0:{hex}::1",
    "2001:0:1:1::{inverted}",
    "fd00::5efe:{v4}",
    "2606:4700::200:5efe:{v4}",
)
"""How an IPv4 address can be written as IPv6: mapped, compatible, translated, NAT64 (well-known and
local), 6to4, Teredo (server, client) and ISATAP."""


def written(v4: str, way: str) -> str:
    parts = [int(part) for part in v4.split(".")]
    words = [(parts[0] << 8) + parts[1], (parts[2] << 8) + parts[3]]
    return way.format(
        v4=v4,
        hex=":".join(f"{word:x}" for word in words),
        inverted=":".join(f"{word ^ 0xFFFF:x}" for word in words),
    )


NOTATIONS = ("2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518")
"""169.254.169.254, as a C library reads it; no resolver answers so."""

NEVER = [
    *(written(v4, way) for v4 in METADATA for way in WAYS),
    *("169.254.170.2", "fe80::1", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42"),
    *("224.0.0.1", "ff02::1", "::ffff:224.0.0.1", "64:ff9b::e000:1"),
    *NOTATIONS,
]
INSIDE = [
    *(written("10.0.0.1", way) for way in WAYS if "64:ff9b:1:" not in way),
    *("127.0.0.1", "::1", "0.0.0.0", "::", "192.168.0.1", "172.16.0.1", "100.64.0.1", "fd00::1"),
    *("192.0.0.8", "192.0.0.9", "192.88.99.1", "198.18.0.1", "2001:db8::1", "3fff::1", "fec0::1"),
    *("127.1", "2130706433", "0x7f000001", "0177.0.0.1"),
]
OUTSIDE = [
    *("8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"),
    *("134744072", "168.63.129.17"),
]


def machine_guard(host: str, *, allow_private: bool) -> bool:
    try:
        check_host(host, allow_private=allow_private)
    except AddressRefused:
        return False
    return True


def url_guard(host: str, *, allow_private: bool) -> bool:
    named = f"[{host}]" if ":" in host else host
    try:
        check_url(f"http://{named}/a.png", allow_private=allow_private)
    except UrlRefused:
        return False
    return True


GUARDS = [machine_guard, url_guard]
Guard = Callable[..., bool]


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("host", [*NEVER, "metadata.google.internal", "metadata.goog", "metadata"])
def test_metadata_is_refused_in_every_spelling_whatever_is_allowed(guard: Guard, host: str) -> None:
    assert not guard(host, allow_private=False)
    assert not guard(host, allow_private=True)


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("host", [*INSIDE, "localhost", "gpu.local"])
def test_what_is_not_public_is_refused_unless_it_is_allowed(guard: Guard, host: str) -> None:
    assert not guard(host, allow_private=False)
    assert guard(host, allow_private=True)


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("host", [*OUTSIDE, "example.com"])
def test_a_public_host_is_allowed(guard: Guard, host: str) -> None:
    assert guard(host, allow_private=False)


async def resolved_for_machine(address: str, *, allow_private: bool) -> bool:
    resolver = machine_resolver(FakeResolver("8.8.8.8", address), allow_private=allow_private)
    try:
        return bool(await resolver.resolve("evil.example"))
    except OSError:
        return False


async def resolved_for_url(address: str, *, allow_private: bool) -> bool:
    resolver = url_resolver(FakeResolver("8.8.8.8", address), allow_private=allow_private)
    try:
        return bool(await resolver.resolve("evil.example"))
    except UrlRefused:
        return False


@pytest.mark.anyio
@pytest.mark.parametrize("resolve", [resolved_for_machine, resolved_for_url])
async def test_a_name_is_judged_by_each_address_as_an_address_is(
    resolve: Callable[..., Awaitable[bool]],
) -> None:
    for host in [*NEVER[: -len(NOTATIONS)], "fe80::1%eth0"]:
        assert not await resolve(host, allow_private=True), host
    assert not await resolve("10.0.0.1", allow_private=False)
    assert await resolve("10.0.0.1", allow_private=True)
    assert await resolve("1.1.1.1", allow_private=False)
