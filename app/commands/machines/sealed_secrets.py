"""Encryption of a machine's secrets, as a request names them."""

from msgspec import UNSET, Struct, UnsetType

from app.http.bad_request import bad
from events.machine.state import Machine
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


class SecretChanges(Struct, frozen=True, kw_only=True):
    """What a caller says of a machine's secrets; UNSET: nothing, None: it wants none any more."""

    token: str | UnsetType | None = UNSET
    header: tuple[str, str] | UnsetType | None = UNSET
    """Its name, and its value."""

    comfy_api_key: str | UnsetType | None = UNSET


def sealed_secrets(
    changes: SecretChanges, machine: Machine | None, sealer: Sealer
) -> SealedSecrets:
    """Seal the secrets that change; what the machine has already stays sealed as it is.

    Raises:
        BadRequest: the header belongs to HTTP itself.

    """
    known = machine.current if machine else None
    return SealedSecrets(
        token=_sealed(changes.token, known.sealed_token if known else "", sealer),
        header=_sealed_header(changes.header, known.sealed_header if known else "", sealer),
        comfy_key=_sealed(changes.comfy_api_key, known.sealed_comfy_key if known else "", sealer),
    )


def _sealed_header(
    header: tuple[str, str] | UnsetType | None, known: str, sealer: Sealer
) -> tuple[str, str] | None:
    if not header:
        return None if header is UNSET else ("", "")
    name, value = header
    if name.lower() in _RESERVED or name.lower().startswith("sec-"):
        raise bad("machine_header_reserved", "/header/name", name=name)
    return name, _sealed(value, known, sealer) or ""


def _sealed(secret: str | UnsetType | None, known: str, sealer: Sealer) -> str | None:
    if not secret:
        return None if secret is UNSET else ""
    return known if known and _opens_to(secret, known, sealer) else sealer.seal(secret)


def _opens_to(secret: str, sealed: str, sealer: Sealer) -> bool:
    try:
        return sealer.open(sealed) == secret
    except CannotOpen:
        return False
