"""Secrets of sessions: cfs_ and 64 characters, the session's id and 32 random bytes.

As with API keys, the id only says where to look; the whole is the secret, kept as a hash alone.
"""

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from app.auth.keys import SECRET_BYTES

PREFIX = "cfs_"

_SECRET = re.compile(r"cfs_[A-Za-z0-9_-]{64}", re.ASCII)
_ID_BYTES = 16


def new_secret(session_id: UUID) -> str:
    """Make the secret of a session; it is not kept anywhere but in the browser."""
    body = urlsafe_b64encode(session_id.bytes + secrets.token_bytes(SECRET_BYTES))
    return PREFIX + body.decode()


def session_id_in(secret: str) -> UUID | None:
    """Read the id in a secret; None when it is none."""
    if not _SECRET.fullmatch(secret):
        return None
    return UUID(bytes=urlsafe_b64decode(secret.removeprefix(PREFIX))[:_ID_BYTES])
