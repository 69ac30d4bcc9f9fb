"""Seals what a request says of a machine's secrets."""

from msgspec import UNSET, Struct, UnsetType

from app.api.v1.machine_requests import (
    ChangeMachineRequest,
    MachineHeader,
    RegisterMachineRequest,
)
from app.api.v1.requests import bad
from events.machine import Machine
from infra.sealing import CannotOpen, Sealer

_RESERVED = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""What HTTP itself needs; with another value no request would arrive whole."""


class SealedSecrets(Struct, frozen=True, kw_only=True):
    """The secrets to set, encrypted; empty: it wants none any more; None: it stays as it is."""

    token: str | None
    header: tuple[str, str] | None
    """Its name, and its value."""

    comfy_key: str | None


def sealed_secrets(
    data: RegisterMachineRequest | ChangeMachineRequest, machine: Machine | None, sealer: Sealer
) -> SealedSecrets:
    """Seal what *data* says; what the machine has already stays sealed as it is.

    Raises:
        BadRequest: the header belongs to HTTP itself.

    """
    token, value, key = data.token, data.header, data.comfy_api_key
    if isinstance(data, RegisterMachineRequest):  # Here null means that nothing is said of it.
        token, value, key = token or UNSET, value or UNSET, key or UNSET
    known = machine.current if machine else None
    return SealedSecrets(
        token=_sealed(token, known.sealed_token if known else "", sealer),
        header=_sealed_header(value, known.sealed_header if known else "", sealer),
        comfy_key=_sealed(key, known.sealed_comfy_key if known else "", sealer),
    )


def _sealed_header(
    header: MachineHeader | UnsetType | None, known: str, sealer: Sealer
) -> tuple[str, str] | None:
    if not header:
        return None if header is UNSET else ("", "")
    if header.name.lower() in _RESERVED or header.name.lower().startswith("sec-"):
        raise bad("machine_header_reserved", "/header/name", name=header.name)
    return header.name, _sealed(header.value, known, sealer) or ""


def _sealed(secret: str | UnsetType | None, known: str, sealer: Sealer) -> str | None:
    if not secret:
        return None if secret is UNSET else ""
    return known if known and _opens_to(secret, known, sealer) else sealer.seal(secret)


def _opens_to(secret: str, sealed: str, sealer: Sealer) -> bool:
    try:
        return sealer.open(sealed) == secret
    except CannotOpen:
        return False
