"""Secrets of a machine and of its partner nodes, in clear: sent with every request."""

import json

from msgspec import Struct
from multidict import CIMultiDict

from events.machine.state import Machine
from infra.sealing import Sealer


class MachineSecrets(Struct, frozen=True, kw_only=True):
    """A machine's secrets. They live no longer than its driver."""

    token: str = ""
    """Sent as a bearer token."""

    header: tuple[str, str] | None = None
    """Another header, such as X-API-Key: name and value."""

    comfy_api_key: str = ""
    """The key of an account at comfy.org, for the nodes that call paid services."""

    def headers(self) -> CIMultiDict[str]:
        """Return the headers of every request; an Authorization of one's own replaces the token."""
        headers = CIMultiDict[str]()
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.header:
            headers[self.header[0]] = self.header[1]
        return headers

    def shown(self) -> tuple[str, ...]:
        """Return what a proxy might quote: of `Basic abc` the second word too, and all as JSON."""
        value = self.header[1] if self.header else ""
        words = {self.token, value, value.partition(" ")[2]} - {""}
        words |= {json.dumps(word)[1:-1] for word in words}
        return tuple(sorted(words, key=len, reverse=True))


NO_SECRETS = MachineSecrets()


def opened(machine: Machine, sealer: Sealer) -> MachineSecrets:
    """Open the secrets of a machine.

    Raises:
        CannotOpen: none of our keys opens one of them.

    """
    sealed = machine.current

    def clear(secret: str) -> str:
        return sealer.open(secret) if secret else ""

    header = clear(sealed.sealed_header)
    return MachineSecrets(
        token=clear(sealed.sealed_token),
        header=(sealed.header_name, header) if header else None,
        comfy_api_key=clear(sealed.sealed_comfy_key),
    )
