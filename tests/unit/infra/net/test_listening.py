"""Who cannot listen says why, and what to do, before anything is started."""

import socket

import pytest

from infra.net.listening import MESSAGES, CannotListen, listen, reachable
from tests.network.ports import free_port


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen) as refused:
            listen("127.0.0.1", port)
    assert refused.value.text().startswith(f"COMFYD_PORT: port {port} of 127.0.0.1 is taken")
    assert refused.value.text("zh").startswith(f"COMFYD_PORT：127.0.0.1 的端口 {port} 已被占用")


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("203.0.113.1", "foreign"),  # RFC 5737: nobody's
        ("no-such-host.invalid", "no_host"),
        ("http://127.0.0.1", "no_host"),
        ("a" * 300, "no_host"),
    ],
)
def test_an_address_that_this_computer_does_not_have_is_named(host: str, code: str) -> None:
    with pytest.raises(CannotListen) as refused:
        listen(host, 0)
    assert refused.value.code == code
    assert host in refused.value.text()


IPV6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0.0.0.0", pytest.param("::", marks=IPV6), "127.0.0.2"]
)
def test_those_on_this_machine_find_who_listens(host: str) -> None:
    port = free_port()
    sockets = listen(host, port)
    try:
        with socket.create_connection((reachable(host).strip("[]"), port), timeout=5):
            pass
    finally:
        for one in sockets:
            one.close()


@pytest.mark.parametrize(
    ("host", "found"),
    [("", "127.0.0.1"), ("::1", "[::1]"), ("192.168.1.5", "192.168.1.5"), ("box", "box")],
)
def test_a_host_of_ones_own_stands_in_the_address(host: str, found: str) -> None:
    assert reachable(host) == found


def test_nothing_stays_open_when_one_address_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen):
            listen("127.0.0.1", port)
    with socket.create_server(("127.0.0.1", port)):
        pass
    assert {"taken", "foreign", "forbidden", "no_host", "other"} == MESSAGES.keys()
