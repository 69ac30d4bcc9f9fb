"""Sealed values: encrypted and signed with a key of their own for each purpose.

The keys follow from JWT_SECRET (HKDF), so what was sealed for one purpose never opens for another.
"""

from base64 import urlsafe_b64encode
from typing import Generic, TypeVar

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.auth.caller import Unauthorized

T = TypeVar("T", bound=msgspec.Struct)


def derived_key(secret: str, purpose: bytes) -> bytes:
    """Derive 32 bytes for one purpose."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())


class Sealed(Generic[T]):
    """Seals and opens values of one type; none is stored."""

    def __init__(self, secret: str, purpose: bytes, kind: type[T]) -> None:
        self._fernet = Fernet(urlsafe_b64encode(derived_key(secret, purpose)))
        self._kind = kind

    def seal(self, value: T) -> str:
        """Encrypt and sign a value."""
        return self._fernet.encrypt(msgspec.json.encode(value)).decode()

    def open(self, sealed: str) -> T:
        """Read a value.

        Raises:
            Unauthorized: it was not sealed here for this purpose.

        """
        try:
            found = self._fernet.decrypt(sealed.encode(errors="replace"))
        except InvalidToken as error:
            raise Unauthorized from error
        return msgspec.json.decode(found, type=self._kind)
