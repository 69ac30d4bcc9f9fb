"""/v1/keys: API keys, shown once, limited by scopes, revoked at once on every process."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct
from msgspec.structs import asdict

from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, before_of, list_view
from app.api.v1.requests import Name, bad, identifier
from app.auth.caller import Caller
from app.auth.keys import SHOWN, fingerprint, new_key
from app.auth.scopes import ADMIN, OF_RUNS, needs
from app.find_deployment import current_deployment
from app.house import House
from app.openapi import errors
from events.api_key import ApiKey, IssueKey, KeyIssued, RevokeKey
from events.decider import KEY
from events.errors import NotFound
from infra.event_store import Session, load
from projections.hints import key_uses
from projections.queries import list_keys

Scope = Literal["admin", "deploy", "runs:read", "runs:write"]


class IssueKeyRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to make."""

    name: Name
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=4)]
    deployments: Annotated[list[UUID], Meta(max_length=100)] = []
    """The only ones it is for; none for all. Such a key may hold scopes of runs only."""

    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class KeyView(Struct, frozen=True, kw_only=True):
    """An API key, without what makes it one."""

    id: UUID
    name: str
    prefix: str
    """How the key begins."""

    scopes: list[str]
    deployments: list[UUID]
    expires_at: datetime | None
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    """Known to a few seconds; a hint, which may be lost."""


class NewKeyView(KeyView, frozen=True, kw_only=True):
    """An API key that was just made."""

    key: str
    """The key itself. This is the only time it is shown."""


@post(
    "/v1/keys",
    operation_id="createKey",
    status_code=201,
    opt=needs(ADMIN),
    responses=errors("not_found"),
)
async def issue_key(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    data: JSONBody[IssueKeyRequest],
) -> Response[NewKeyView]:
    """Make a key. It is shown this once: the log has its hash only."""
    now = house.now()
    # Whoever may come here holds admin, so no key may do more than its maker.
    if data.deployments and not OF_RUNS.issuperset(data.scopes):
        raise bad("key_scope_too_wide", "/scopes", scopes=", ".join(sorted(OF_RUNS)))
    if data.expires_at is not None and data.expires_at <= now:
        raise bad("expiry_in_the_past", "/expires_at")
    for deployment_id in data.deployments:
        await current_deployment(house, caller, deployment_id)
    key_id = house.new_id()
    key = new_key(key_id)
    session = Session(house.store, KEY, key_id, tenant=caller.tenant)
    issued = KeyIssued(
        key_id=key_id,
        name=data.name,
        sha256=fingerprint(key),
        prefix=key[:SHOWN],
        scopes=tuple(sorted(set(data.scopes))),
        deployments=tuple(sorted(set(data.deployments))),
        expires_at=data.expires_at,
        user_id=caller.user_id,
        org_id=caller.org_id,
        by=caller.actor,
        at=now,
    )
    await session.execute(IssueKey(issued=issued), house.meta(caller))
    shown = key_view(ApiKey(id=key_id, issued=issued), None)
    view = NewKeyView(key=key, **asdict(shown))
    # Nobody in between may keep it.
    return Response(content=view, headers={"Cache-Control": "no-store"})


@get("/v1/keys", operation_id="listKeys", opt=needs(ADMIN))
async def keys(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[KeyView]:
    """List keys, newest first, also those that were revoked or have expired."""
    async with house.pool.connection() as connection:
        page = await list_keys(
            connection, tenant=caller.tenant, limit=limit, before=before_of(cursor)
        )
        uses = await key_uses(connection, [row.id for row in page.rows])
    return list_view(page, lambda row: key_view(row.state, uses.get(row.id)))


@delete("/v1/keys/{key_id:str}", operation_id="revokeKey", status_code=204, opt=needs(ADMIN))
async def revoke_key(
    house: NamedDependency[House], caller: NamedDependency[Caller], key_id: FromPath[str]
) -> None:
    """Revoke a key: within a second no process takes it any more. Again changes nothing."""
    session = await load(house.store, KEY, identifier(key_id))
    if session.state is None or session.tenant != caller.tenant:
        raise NotFound("there is no key with this id")
    await session.execute(RevokeKey(by=caller.actor, now=house.now()), house.meta(caller))
    house.credentials.standings.forget(KEY, session.state.id)


def key_view(key: ApiKey, last_used_at: datetime | None) -> KeyView:
    """Show a key."""
    return KeyView(
        id=key.id,
        name=key.issued.name,
        prefix=key.issued.prefix,
        scopes=list(key.issued.scopes),
        deployments=list(key.issued.deployments),
        expires_at=key.issued.expires_at,
        created_at=key.issued.at,
        revoked_at=key.revoked_at,
        last_used_at=last_used_at,
    )


ROUTES = [issue_key, keys, revoke_key]
