"""/v1/aliases: ids of another system, which the classic routes take in the place of ours."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from app.auth.caller import Caller
from app.auth.scopes import ADMIN, needs
from app.commands.aliases import Aliases
from app.openapi import errors
from events.alias import AliasKind

LONGEST_FOREIGN_ID = 100


class AssignAliasRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An id of another system, and what it stands for."""

    kind: AliasKind
    foreign_id: Annotated[str, Meta(min_length=1, max_length=LONGEST_FOREIGN_ID)]
    target_id: UUID


class AliasView(Struct, frozen=True, kw_only=True):
    """What an id of another system stands for."""

    kind: AliasKind
    foreign_id: str
    target_id: UUID
    assigned_at: datetime


@post(
    "/v1/aliases",
    operation_id="assignAlias",
    status_code=200,
    opt=needs(ADMIN),
    responses=errors("not_found", "alias_reserved"),
)
async def assign_alias(
    alias_commands: NamedDependency[Aliases],
    caller: NamedDependency[Caller],
    data: JSONBody[AssignAliasRequest],
) -> AliasView:
    """Have an id of another system stand for a thing of yours, at every classic route.

    Asking again changes nothing; with another `target_id`, the id stands for that from now on.
    """
    alias = await alias_commands.assign(
        caller, kind=data.kind, foreign_id=data.foreign_id, target_id=data.target_id
    )
    return AliasView(
        kind=alias.kind,
        foreign_id=alias.foreign_id,
        target_id=alias.target_id,
        assigned_at=alias.assigned_at,
    )


ROUTES = [assign_alias]
