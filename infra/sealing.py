"""Seals the secrets that must come back in clear, such as a machine's token, for the log."""

from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

CANNOT_OPEN: Final = "none of the keys in COMFYD_SEAL_KEYS opens it"


class CannotOpen(Exception):
    """None of our keys opens this: it was sealed with one that is no longer given."""


class BadSealKey(ValueError):
    """There is no key, or the one at *place* (from 1) is none; it does not hold any."""

    def __init__(self, place: int | None = None) -> None:
        self.place = place
        super().__init__(f"key {place} is no Fernet key" if place else "there is no key")


class Sealer:
    """Seals with the first of its keys, and opens with any of them."""

    def __init__(self, keys: str) -> None:
        """Read *keys*: one or more Fernet keys, with commas between them.

        Raises:
            BadSealKey: there is none, or one is no Fernet key.

        """
        given = [key.strip() for key in keys.split(",") if key.strip()]
        if not given:
            raise BadSealKey
        fernets = []
        for place, key in enumerate(given, start=1):
            try:
                fernets.append(Fernet(key))
            except ValueError:
                # Without its cause: that may hold a part of the key.
                raise BadSealKey(place) from None
        self._fernet = MultiFernet(fernets)

    def seal(self, secret: str) -> str:
        """Encrypt and sign a secret; the same one twice looks different each time."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return what was sealed.

        Raises:
            CannotOpen: with none of these keys, or it was changed.

        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise CannotOpen(CANNOT_OPEN) from error
