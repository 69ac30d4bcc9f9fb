"""Which addresses an outsider may make us talk to."""

from ipaddress import ip_address

import pytest

from infra.net.public_address import is_private_name, is_public, literal_address


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "2606:4700:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ],
)
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254"),
        *("172.16.0.1", "192.168.1.1", "100.64.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.9"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::127.0.0.1", "::8.8.8.8", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00::1"),
        *("fec0::1", "ff02::1", "2001:db8::1", "2001::1", "100::1", "64:ff9b:1::1", "3fff::1"),
        *("192.0.0.192", "192.0.0.9", "192.88.99.1", "168.63.129.16", "2001:20::1"),
        *("::ffff:0:8.8.8.8", "64:ff9b::168.63.129.16", "2606:4700::5efe:10.0.0.1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::169.254.169.254"),
        *("2002:7f00:1::1", "2002:a9fe:a9fe::", "2002:a00:1::"),
    ],
)
def test_every_other_address_is_not(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "0177.0.0.1", "0x7f.1", "0x7f000001", "2130706433", "127.0.0.1."],
)
def test_an_address_is_read_in_any_notation(host: str) -> None:
    assert literal_address(host) == ip_address("127.0.0.1")


@pytest.mark.parametrize(
    "host", ["example.com", "1.example", "dead.beef", "1.2.3.4.5", "256.1.1.1"]
)
def test_a_name_is_no_address(host: str) -> None:
    assert literal_address(host) is None


def test_some_names_are_private_by_themselves() -> None:
    private = [
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "printer.local",
        "metadata.google.internal",
    ]

    assert [is_private_name(name) for name in private] == [True] * len(private)
    assert not is_private_name("localhost.example.com")
