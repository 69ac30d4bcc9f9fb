"""The caller of a request, what they may do, and the reasons for refusing one."""

from uuid import UUID

from msgspec import Struct

from app.auth.scopes import SCOPES
from events.access.organisation import OWNER
from events.errors import Problem


class Unauthorized(Exception):
    """There is no valid credential with this request."""

    code = "unauthorized"


class KeyRevoked(Unauthorized):
    """The API key was revoked."""

    code = "key_revoked"


class KeyExpired(Unauthorized):
    """The API key has expired."""

    code = "key_expired"


class TokenRevoked(Unauthorized):
    """The token was revoked."""

    code = "token_revoked"


class TicketExpired(Unauthorized):
    """The ticket has expired."""

    code = "ticket_expired"


class TicketRevoked(Unauthorized):
    """The key or token that the ticket was made with no longer counts."""

    code = "ticket_revoked"


class SessionEnded(Unauthorized):
    """The session of this browser was revoked, has expired, or is none."""

    code = "session_ended"


class SignInLinkExpired(Unauthorized):
    """The sign-in link has expired."""

    code = "sign_in_link_expired"


class SignInLinkUsed(Unauthorized):
    """The sign-in link was used before."""

    code = "sign_in_link_used"


class SignInRefused(Unauthorized):
    """The identity provider did not sign the person in, or not in this browser."""

    code = "sign_in_refused"


class FormRefused(Exception):
    """A form came without a token of this browser's, so another site may have sent it."""

    code = "form_refused"


class ForeignOrigin(FormRefused):
    """A form came from a page that is none of ours."""

    code = "foreign_origin"


class CredentialInAddress(Unauthorized):
    """A key or a token stands in the address, where logs and histories keep it."""

    code = "credential_in_address"


class ScopeMissing(Exception):
    """The caller is known, but may not do this; says which scopes would do, any of them."""

    code = "scope_missing"

    def __init__(self, scopes: frozenset[str]) -> None:
        needed = " / ".join(sorted(scopes))
        self.problems = (Problem(code="scope_needed", params={"scopes": needed}),)
        super().__init__(self.problems[0].text())


def tenant_of(user_id: str | None, org_id: str | None) -> str:
    """Return the tenant that things belong to: the organisation, or else the person."""
    return f"org:{org_id}" if org_id else f"user:{user_id}"


class Caller(Struct, frozen=True, kw_only=True):
    """Who is calling, and for whom."""

    user_id: str | None
    org_id: str | None
    scopes: frozenset[str] = SCOPES
    role: str = OWNER
    """Of a person in the organisation they act for; `key` for an API key."""

    deployments: frozenset[UUID] = frozenset()
    """The only deployments this caller may know of; empty for all."""

    credential: str = ""
    """What they showed, by a stable name that is no secret: token:<id>, key:<id>, session:<id>."""

    ticket: str = ""
    """What a ticket is for (a run, a batch, the tenant), which was made with the credential."""

    session: UUID | None = None
    """The session of a browser; one that began with a key has the key as its credential."""

    @property
    def tenant(self) -> str:
        """What the caller's things belong to."""
        return tenant_of(self.user_id, self.org_id)

    @property
    def key_id(self) -> UUID | None:
        """The API key that they show, or that their session began with."""
        kind, _, identifier = self.credential.partition(":")
        return UUID(identifier) if kind == "key" else None

    @property
    def actor(self) -> str:
        """Who to name in the log: the key itself, where it was one, rather than who made it."""
        if self.credential.startswith("key:"):
            return self.credential
        return f"user:{self.user_id or '-'}"

    def may_know(self, deployment_id: UUID) -> bool:
        """Return whether a deployment of the tenant's is one of those this caller may know of."""
        return not self.deployments or deployment_id in self.deployments
