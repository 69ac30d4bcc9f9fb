"""/v1/tokens: revocation of JWTs, with or without an end of their own."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from app.api.requests import Name
from app.auth.caller import Caller
from app.auth.scopes import ADMIN, needs
from app.commands.keys import Keys
from app.openapi import errors


class RevokeTokenRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token to revoke: itself, or its `jti`."""

    token: Annotated[str, Meta(min_length=1, max_length=8192)] | None = None
    jti: Name | None = None


class RevokedTokenView(Struct, frozen=True, kw_only=True):
    """A token that was revoked."""

    id: UUID
    revoked_at: datetime


@post(
    "/v1/tokens/revoke",
    operation_id="revokeToken",
    status_code=200,
    opt=needs(ADMIN),
    responses=errors("not_found"),
)
async def revoke_token(
    key_commands: NamedDependency[Keys],
    caller: NamedDependency[Caller],
    data: JSONBody[RevokeTokenRequest],
) -> RevokedTokenView:
    """Revoke a token of this tenant: within a second no process takes it any more.

    By `jti`, the token itself is not needed. Asking again changes nothing.
    """
    revoked = await key_commands.revoke_token(caller, token=data.token, jti=data.jti)
    return RevokedTokenView(id=revoked.id, revoked_at=revoked.revoked_at)


ROUTES = [revoke_token]
