"""API keys: cfd_ and 64 characters, which secret scanners recognise.

They are the key's id and 32 random bytes. The id only says where to look; the whole key is the
secret, and its hash is all that is kept.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

PREFIX = "cfd_"
SECRET_BYTES = 32
SHOWN = 12
"""Characters of a key that are shown, to tell keys apart; they hold a part of the id only."""

_KEY = re.compile(r"cfd_[A-Za-z0-9_-]{64}", re.ASCII)
_ID_BYTES = 16


def new_key(key_id: UUID) -> str:
    """Make a key; it is not kept anywhere."""
    return key_of(key_id, secrets.token_bytes(SECRET_BYTES))


def key_of(key_id: UUID, secret: bytes) -> str:
    """Return the key with an id and these 32 secret bytes."""
    return PREFIX + urlsafe_b64encode(key_id.bytes + secret).decode()


def looks_like_a_key(credential: str) -> bool:
    """Return whether a credential is a key, rather than a token."""
    return credential.startswith(PREFIX)


def key_id_in(key: str) -> UUID | None:
    """Read the id in a key; None when it is no key."""
    if not _KEY.fullmatch(key):
        return None
    return UUID(bytes=urlsafe_b64decode(key.removeprefix(PREFIX))[:_ID_BYTES])


def fingerprint(key: str) -> str:
    """Return the hash of a key. It needs no salt: 32 random bytes cannot be guessed."""
    return hashlib.sha256(key.encode()).hexdigest()


def matches(key: str, sha256: str) -> bool:
    """Return whether this is the key with that hash, in constant time."""
    return hmac.compare_digest(fingerprint(key), sha256)
