"""/v1/me: who the server takes the caller for."""

from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from msgspec import Meta, Struct

from app.auth.caller import Caller
from app.auth.scopes import SCOPES, needs


class MeView(Struct, frozen=True, kw_only=True):
    """The caller, as the server knows them."""

    tenant: Annotated[str, Meta(description="What their things belong to: org:… or user:…")]

    user_id: str | None
    org_id: str | None
    role: str
    scopes: list[str]


@get("/v1/me", operation_id="getMe", opt=needs(*SCOPES, per_deployment=True))
async def me(caller: NamedDependency[Caller]) -> MeView:
    """Return who the credential stands for, and what it may do."""
    return MeView(
        tenant=caller.tenant,
        user_id=caller.user_id,
        org_id=caller.org_id,
        role=caller.role,
        scopes=sorted(caller.scopes),
    )


ROUTES = [me]
