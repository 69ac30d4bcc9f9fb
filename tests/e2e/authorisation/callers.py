"""Callers of every kind: members of each role, keys of each scope, and some that are limited."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from msgspec import Struct

from app.auth.credentials import SCOPES_OF_ROLE
from app.auth.scopes import ADMIN, OPT, PER_DEPLOYMENT, RUNS_READ, RUNS_WRITE, SCOPES
from tests.e2e.authorisation.routes import Route
from tests.e2e.signing_in import cookies_by_key, cookies_by_link
from tests.e2e.system import System
from tests.e2e.tenant import Tenant, client_of

HEADER = "Comfyd-Organisation"


class Holder(Struct, frozen=True, kw_only=True):
    """Somebody with a credential."""

    name: str
    headers: Mapping[str, str]
    scopes: frozenset[str] = frozenset()
    restricted: bool = False
    refused: bool = False
    """The credential opens nothing."""

    key_id: str = ""
    cookies: Mapping[str, str] = {}
    """What a browser has in which they are signed in."""

    sign_in: Callable[[], Awaitable[Mapping[str, str]]] | None = None
    """Signs them in once more, for what ends their session."""

    def status_for(self, route: Route, *, hidden: bool) -> int | None:
        """Return the status that a request must be refused with; None for no refusal."""
        if self.refused:
            return 401
        if self.scopes.isdisjoint(route.handler.opt[OPT]):
            return 403
        if self.restricted and not route.handler.opt[PER_DEPLOYMENT]:
            return 404
        if route.name in PERSONAL and ADMIN not in self.scopes:
            return 404
        if route.is_unsupported:
            return 501
        return HIDDEN.get(route.name, 404) if hidden else None


HIDDEN = {"GET /api/run": 400}
"""Where the classic dialect says something else than 404."""


PERSONAL = frozenset({"POST /sessions/{session_id}/revoke"})
"""What only a person themselves may do, and admins; the sample is never theirs."""


@asynccontextmanager
async def organisation_of(system: System, owner: str) -> AsyncIterator[Tenant]:
    """Make an organisation; give its owner, acting for it."""
    async with client_of(system, owner) as http:
        created = await http.post("/v1/organisations", json={"name": f"{owner}'s"})
        http.headers[HEADER] = created.json()["id"]
        yield Tenant(http, system.machine_url)


async def people(system: System, tenant: Tenant) -> list[Holder]:
    """Create a member of each role."""
    organisation = tenant.http.headers[HEADER]
    found = []
    for role, scopes in SCOPES_OF_ROLE.items():
        user = f"the {role}"
        path = f"/v1/organisations/{organisation}/members/{user}"
        (await tenant.http.put(path, json={"role": role})).raise_for_status()
        headers = {"Authorization": f"Bearer {system.token(user)}", HEADER: organisation}
        sign_in = partial(cookies_by_link, system, user, organisation)
        found.append(
            Holder(
                name=role,
                headers=headers,
                scopes=scopes,
                cookies=await sign_in(),
                sign_in=sign_in,
            )
        )
    return found


async def keys(tenant: Tenant, deployment_id: str) -> list[Holder]:
    """Create a key for each scope, and some that are limited in other ways."""
    of_runs = frozenset({RUNS_READ, RUNS_WRITE})
    found = [await _key(tenant, f"key for {s}", frozenset({s})) for s in sorted(SCOPES)]
    found.append(await _key(tenant, "restricted key", of_runs, deployments=[deployment_id]))
    end = datetime.now(UTC) + timedelta(seconds=3)
    found.append(await _key(tenant, "expired key", SCOPES, expires_at=end.isoformat()))
    found.append(revoked := await _key(tenant, "revoked key", SCOPES))
    me = await tenant.http.get("/v1/me", headers=dict(revoked.headers))
    assert me.status_code == 200
    await tenant.http.delete(f"/v1/keys/{revoked.key_id}")
    await asyncio.sleep(max((end - datetime.now(UTC)).total_seconds(), 0))
    return found


async def _key(tenant: Tenant, name: str, scopes: frozenset[str], **limits: Any) -> Holder:
    body = {"name": name, "scopes": sorted(scopes), **limits}
    answer = await tenant.http.post("/v1/keys", json=body)
    assert answer.status_code == 201, answer.text
    sign_in = partial(cookies_by_key, str(tenant.http.base_url), answer.json()["key"])
    return Holder(
        name=name,
        headers={"Authorization": f"Bearer {answer.json()['key']}", HEADER: ""},
        scopes=scopes,
        restricted="deployments" in limits,
        refused=name in {"expired key", "revoked key"},
        key_id=answer.json()["id"],
        cookies=await sign_in(),
        sign_in=sign_in,
    )
