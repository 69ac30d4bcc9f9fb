"""A resolver of names that answers what a test has told it."""

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override


class FakeResolver(AbstractResolver):
    """Resolves every name to these addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self._addresses
        ]

    @override
    async def close(self) -> None:
        """Hold nothing."""
