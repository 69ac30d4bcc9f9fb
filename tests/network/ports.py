"""Ports for the servers of tests."""

from infra.embedded.ports import free_port as any_free_port

_handed_out: dict[str, int] = {}


def free_port() -> int:
    """Return a free port of loopback that no test has been handed before.

    A server binds its port some time after the choice; another choice in between must differ.
    """
    port = any_free_port(_handed_out)
    _handed_out[str(port)] = port
    return port
