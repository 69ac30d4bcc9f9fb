"""/v1/tokens: revocation of JWTs, with or without an end of their own."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from app.api.v1.requests import Name, bad
from app.auth.caller import Caller, Unauthorized, tenant_of
from app.auth.keys import looks_like_a_key
from app.auth.scopes import ADMIN, needs
from app.house import House
from app.openapi import errors
from events import identity
from events.decider import TOKEN
from events.errors import NotFound
from events.token import RevokeToken
from infra.event_store import Session


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
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    data: JSONBody[RevokeTokenRequest],
) -> RevokedTokenView:
    """Revoke a token of this tenant: within a second no process takes it any more.

    By `jti` it need not be at hand. Again changes nothing.
    """
    if (data.token is None) == (data.jti is None):
        raise bad("token_or_jti", "")
    if data.token is not None:
        token_id = await _id_of(house, caller, data.token)
    else:
        # The tenant is part of the id: a jti of somebody else's cannot be named.
        token_id = identity.token_id(caller.tenant, jti=data.jti or "")
    session = Session(house.store, TOKEN, token_id, tenant=caller.tenant)
    await session.load()
    command = RevokeToken(token_id=token_id, jti=data.jti, by=caller.actor, now=house.now())
    await session.execute(command, house.meta(caller))
    house.credentials.standings.forget(TOKEN, token_id)
    return RevokedTokenView(id=token_id, revoked_at=session.existing.revoked_at)


async def _id_of(house: House, caller: Caller, token: str) -> UUID:
    if looks_like_a_key(token):
        raise bad("bad_token", "/token")
    try:
        claims = await house.credentials.claims(token)
    except Unauthorized:
        raise bad("bad_token", "/token") from None
    if tenant_of(claims.user_id, claims.org_id) != caller.tenant:
        raise NotFound("this token is not one of yours")
    return claims.token_id


ROUTES = [revoke_token]
