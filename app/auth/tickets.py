"""Tickets: short-lived credentials in an address, to follow a run, a batch or a tenant.

Or to open a version in ComfyUI, whose page sends the ticket on in a header.

A ticket is opaque, and never a credential elsewhere: it is sealed with a key of its own, which
follows from JWT_SECRET, so neither is a token taken for a ticket nor a ticket for a token
(docs/adr/0018).
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from app.auth.caller import TicketExpired
from app.auth.sealed import Sealed

PURPOSE = b"comfyd ticket v1"


_BEGINS = "gAAAA"
"""How Fernet's version and the first bytes of its time are written, until 2106."""


class Ticket(Struct, frozen=True, kw_only=True):
    """The content of a ticket."""

    aggregate: str
    """What it is for: run-<id>, batch-<id>, version-<id>, or a whole tenant by its name."""

    credential: str
    """The credential that it was issued with; when that is withdrawn, the ticket is too."""

    user_id: str | None
    org_id: str | None
    expires_at: datetime
    deployments: tuple[UUID, ...] = ()
    """The only ones it shows; none for all."""


def looks_like_a_ticket(credential: str) -> bool:
    """Return whether a credential is a ticket, rather than a key or a token."""
    return credential.startswith(_BEGINS)


class Tickets:
    """Seals and opens tickets; none is stored."""

    def __init__(self, secret: str) -> None:
        self._sealed = Sealed(secret, PURPOSE, Ticket)

    def seal(self, ticket: Ticket) -> str:
        """Encrypt and sign a ticket: a page's visitors read nothing in it."""
        return self._sealed.seal(ticket)

    def open(self, sealed: str, now: datetime) -> Ticket:
        """Read a ticket.

        Raises:
            Unauthorized: it is not one of ours.
            TicketExpired: it has expired.

        """
        ticket = self._sealed.open(sealed)
        if ticket.expires_at <= now:
            raise TicketExpired
        return ticket
