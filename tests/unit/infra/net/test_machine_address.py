"""Where a machine may be: what is refused at once, and what at the moment of connecting."""

import pytest

from infra.net.machine_address import AddressRefused, check_host, machine_resolver
from tests.fakes.resolver import FakeResolver

METADATA = [
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fd00:ec2::254",
    "100.100.100.200",
    "192.0.0.192",
    "metadata.google.internal",
    "Metadata.Google.Internal.",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2852039166",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "224.0.0.1",
]
PRIVATE = ["127.0.0.1", "10.1.2.3", "192.168.1.20", "::1", "fd00::1", "localhost", "gpu.local", "0"]
PUBLIC = ["93.184.216.34", "2606:2800:220:1::1", "gpu.example.com", "机器.example"]
NO_ADDRESS = ["1.2.3.4.5", "999.1.1.1", "::1::2"]


@pytest.mark.parametrize("allow_private", [True, False])
@pytest.mark.parametrize("host", METADATA + NO_ADDRESS)
def test_metadata_link_local_and_what_only_looks_like_an_address_is_refused_always(
    host: str,
    allow_private: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    with pytest.raises(AddressRefused):
        check_host(host, allow_private=allow_private)


@pytest.mark.parametrize("host", PRIVATE)
def test_private_networks_are_refused_unless_they_are_allowed(host: str) -> None:
    with pytest.raises(AddressRefused):
        check_host(host, allow_private=False)
    check_host(host, allow_private=True)


@pytest.mark.parametrize("host", PUBLIC)
def test_public_hosts_are_taken(host: str) -> None:
    check_host(host, allow_private=False)


@pytest.mark.anyio
@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1%eth0", "10.0.0.1"])
async def test_a_name_with_one_forbidden_address_among_good_ones_does_not_resolve(
    address: str,
) -> None:
    resolver = machine_resolver(FakeResolver("93.184.216.34", address), allow_private=False)
    with pytest.raises(OSError, match=r"no machine may be"):
        await resolver.resolve("gpu.example.com")


@pytest.mark.anyio
async def test_private_addresses_resolve_where_they_are_allowed_and_metadata_does_not() -> None:
    resolver = machine_resolver(FakeResolver("10.0.0.1"), allow_private=True)
    assert [one["host"] for one in await resolver.resolve("gpu")] == ["10.0.0.1"]
    resolver = machine_resolver(FakeResolver("169.254.169.254"), allow_private=True)
    with pytest.raises(OSError, match=r"no machine may be"):
        await resolver.resolve("gpu")
