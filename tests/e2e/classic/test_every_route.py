"""Every classic route, as the application has them: for pages of other sites, and for strangers.

A new route is tested without a word here; if it needs a sample of something new, the failure says
where to put it (tests/e2e/authorisation/samples.py).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec import Struct
from typing_extensions import override

from tests.e2e.authorisation.callers import HIDDEN, organisation_of
from tests.e2e.authorisation.routes import Route, all_routes
from tests.e2e.authorisation.samples import Objects, Request, request_for
from tests.e2e.system import System
from tests.e2e.tenant import Tenant

FIGMA = "null"
"""The origin of a page that lies in Figma's frame."""

ROUTES = [route for route in all_routes() if route.is_classic]
GUARDED = [route for route in ROUTES if route.needs_caller and route.name != "GET /api/view"]
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
every_guarded_route = pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.name)


class Aliased(Objects):
    """What a tenant has, by the ids that it had elsewhere."""

    @classmethod
    async def of(cls, objects: Objects) -> "Aliased":
        """Assign an alias to each thing that may have one."""
        aliased = cls(objects.tenant, objects.organisation_id)
        aliased.run_id, aliased.batch_id = objects.run_id, objects.batch_id
        for kind in ("workflow", "version", "deployment", "machine"):
            foreign, own = str(uuid4()), getattr(objects, f"{kind}_id")
            body = {"kind": kind, "foreign_id": foreign, "target_id": own}
            assert (await objects.tenant.http.post("/v1/aliases", json=body)).is_success
            setattr(aliased, f"{kind}_id", foreign)
        return aliased

    @override
    async def another_machine(self) -> str:
        """Return the machine: no classic route takes one away."""
        return self.machine_id


Headers = Mapping[str, str]


class Scene(Struct, frozen=True):
    """Two tenants, and the ids of the first one's things."""

    aliased: Aliased
    tenant: Tenant
    owner: Headers
    mallory: Headers
    http: httpx.AsyncClient
    """Without a credential. Some of these routes are not described, so it does not look."""

    async def ask(self, request: Request, headers: Headers) -> httpx.Response:
        """Ask as a page in Figma does."""
        sent: dict[str, Any] = {} if request.body is None else {"json": request.body}
        return await self.http.request(
            request.method,
            request.url,
            params=request.query,
            headers={"Origin": FIGMA, **headers},
            **sent,
        )


@pytest.fixture(scope="module")
async def scene(system: System) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as exits:
        owner = await exits.enter_async_context(organisation_of(system, "an owner of rows"))
        mallory = await exits.enter_async_context(organisation_of(system, "mallory of rows"))
        organisation = owner.http.headers["Comfyd-Organisation"]
        mine = await Objects.made(owner, organisation, name="rows")
        http = httpx.AsyncClient(base_url=system.url, trust_env=False, timeout=40)
        await exits.enter_async_context(http)
        yield Scene(
            aliased=await Aliased.of(mine),
            tenant=owner,
            owner=credential_of(owner),
            mallory=credential_of(mallory),
            http=http,
        )


def credential_of(tenant: Tenant) -> Headers:
    names = ("Authorization", "Comfyd-Organisation")
    return {name: tenant.http.headers[name] for name in names}


@every_route
async def test_a_preflight_is_granted_to_figma_without_a_credential(
    scene: Scene, route: Route
) -> None:
    request = await request_for(route, scene.aliased)
    wanted = ["authorization", "content-type", "x-figma-plugin-id", "idempotency-key"]

    answer = await scene.http.options(
        request.url,
        params=request.query,
        headers={
            "Origin": FIGMA,
            "Access-Control-Request-Method": route.method,
            "Access-Control-Request-Headers": ", ".join(wanted),
        },
    )

    granted = answer.headers["Access-Control-Allow-Headers"].lower().replace(" ", "").split(",")
    methods = answer.headers["Access-Control-Allow-Methods"].replace(" ", "").split(",")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert set(wanted) <= set(granted)
    assert {"GET", "POST", "PUT", "DELETE", "OPTIONS"} <= set(methods)
    assert "Access-Control-Allow-Credentials" not in answer.headers


@every_route
async def test_figma_may_read_what_is_answered_and_what_is_refused(
    scene: Scene, route: Route
) -> None:
    request = await request_for(route, scene.aliased)

    good = await scene.ask(request, scene.owner)
    bare = await scene.ask(request, {})
    hidden = await scene.ask(request, scene.mallory)

    answers = (good, bare, hidden)
    assert [a.headers.get("Access-Control-Allow-Origin") for a in answers] == ["*"] * 3
    if route.needs_caller:
        assert (bare.status_code, bare.text) == (401, "Invalid or expired token")
        assert good.status_code == 501 if route.is_unsupported else good.status_code < 400


@every_guarded_route
async def test_ids_from_elsewhere_are_for_their_tenant_alone(scene: Scene, route: Route) -> None:
    request = await request_for(route, scene.aliased)
    names_something = request != await request_for(route, Aliased(scene.tenant, ""))

    own = await scene.ask(request, scene.owner)
    foreign = await scene.ask(request, scene.mallory)

    entry = 501 if route.is_unsupported else 200
    hidden = HIDDEN.get(route.name, 404) if names_something and not route.is_unsupported else entry
    assert (own.status_code, foreign.status_code) == (entry, hidden), (own.text, foreign.text)
