"""/v1/keys: API keys, shown once, limited by scopes, revoked at once on every process."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct
from msgspec.structs import asdict

from app.api.requests import Name, identifier
from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, before_of, list_view
from app.auth.caller import Caller
from app.auth.scopes import ADMIN, needs
from app.commands.keys import Keys
from app.openapi import errors
from app.reads.keys import KeyReads
from events.access.api_key import ApiKey

Scope = Literal["admin", "deploy", "runs:read", "runs:write"]


class IssueKeyRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to create."""

    name: Name
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=4)]
    deployments: Annotated[
        list[UUID],
        Meta(
            max_length=100,
            description="The only deployments it is for; empty for all. Such a key may hold scopes "
            "of runs only.",
        ),
    ] = []

    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class KeyView(Struct, frozen=True, kw_only=True):
    """An API key, without its secret."""

    id: UUID
    name: str
    prefix: Annotated[str, Meta(description="How the key begins.")]

    scopes: list[str]
    deployments: list[UUID]
    expires_at: datetime | None
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: Annotated[
        datetime | None,
        Meta(description="Known to a few seconds; a hint, which may be lost."),
    ]


class NewKeyView(KeyView, frozen=True, kw_only=True):
    """An API key that was just created."""

    key: Annotated[str, Meta(description="The key itself. This is the only time it is shown.")]


@post(
    "/v1/keys",
    operation_id="createKey",
    status_code=201,
    opt=needs(ADMIN),
    responses=errors("not_found"),
)
async def issue_key(
    key_commands: NamedDependency[Keys],
    caller: NamedDependency[Caller],
    data: JSONBody[IssueKeyRequest],
) -> Response[NewKeyView]:
    """Create a key. It is shown only this once: the log has its hash."""
    made = await key_commands.issue(
        caller,
        name=data.name,
        scopes=data.scopes,
        deployments=data.deployments,
        expires_at=data.expires_at,
    )
    view = NewKeyView(key=made.secret, **asdict(key_view(made.key, None)))
    # No cache in between may keep it.
    return Response(content=view, headers={"Cache-Control": "no-store"})


@get("/v1/keys", operation_id="listKeys", opt=needs(ADMIN))
async def keys(
    key_reads: NamedDependency[KeyReads],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[KeyView]:
    """List keys, newest first, also those that were revoked or have expired."""
    page, uses = await key_reads.page(caller, limit=limit, before=before_of(cursor))
    return list_view(page, lambda row: key_view(row.state, uses.get(row.id)))


@delete("/v1/keys/{key_id:str}", operation_id="revokeKey", status_code=204, opt=needs(ADMIN))
async def revoke_key(
    key_commands: NamedDependency[Keys], caller: NamedDependency[Caller], key_id: FromPath[str]
) -> None:
    """Revoke a key: within a second no process takes it any more. Asking again changes nothing."""
    await key_commands.revoke(caller, identifier(key_id))


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
