"""Tickets: short-lived credentials in an address, to follow a run, a batch or a tenant.

A ticket is opaque, and never a credential elsewhere: it is sealed with a key of its own, which
follows from JWT_SECRET, so neither is a token taken for a ticket nor a ticket for a token
(docs/adr/0018).
"""

from base64 import urlsafe_b64encode
from datetime import datetime
from uuid import UUID

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from app.auth.caller import TicketExpired, Unauthorized

PURPOSE = b"comfyd ticket v1"


class Ticket(Struct, frozen=True, kw_only=True):
    """The content of a ticket."""

    aggregate: str
    """What it is for: run-<id>, batch-<id>, or a whole tenant by its name."""

    credential: str
    """The credential that it was issued with; when that is withdrawn, the ticket is too."""

    user_id: str | None
    org_id: str | None
    expires_at: datetime
    deployments: tuple[UUID, ...] = ()
    """The only ones it shows; none for all."""


class Tickets:
    """Seals and opens tickets; none is stored."""

    def __init__(self, secret: str) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(secret.encode())
        self._fernet = Fernet(urlsafe_b64encode(key))

    def seal(self, ticket: Ticket) -> str:
        """Encrypt and sign a ticket: a page's visitors read nothing in it."""
        return self._fernet.encrypt(msgspec.json.encode(ticket)).decode()

    def open(self, sealed: str, now: datetime) -> Ticket:
        """Read a ticket.

        Raises:
            Unauthorized: it is not one of ours.
            TicketExpired: it has expired.

        """
        try:
            said = self._fernet.decrypt(sealed.encode(errors="replace"))
        except InvalidToken as error:
            raise Unauthorized from error
        ticket = msgspec.json.decode(said, type=Ticket)
        if ticket.expires_at <= now:
            raise TicketExpired
        return ticket
