"""Every route for every kind of caller: what the route declares is what happens.

The routes come from the application itself, so that a new one is tested without a word here; if it
needs a sample of something new, the failure says where to put it.
"""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from app.auth.guard import ScopeUndeclared, check_scopes_declared
from app.auth.scopes import ADMIN, OPT, SCOPES
from tests.e2e.authorisation.callers import Holder, keys, organisation_of, people
from tests.e2e.authorisation.routes import Route, all_routes
from tests.e2e.authorisation.samples import FILTERED, Objects, request_for
from tests.e2e.authorisation.world import World
from tests.e2e.system import System

OPEN = re.compile(
    r"/(api/(doc|update-run|file-upload|machine-built|auth-response|platform/comfyui/auth-response)"
    r"|files|health|docs|openapi\.json|assets|sign-in|auth-request|auth/request)(/|$)"
)
"""What anybody may read, or has a proof of its own for."""


ROUTES = [route for route in all_routes() if route.needs_caller]


@pytest.fixture(scope="module")
async def world(system: System) -> AsyncIterator[World]:
    async with AsyncExitStack() as exits:
        owner = await exits.enter_async_context(organisation_of(system, "the owner of all"))
        stranger = await exits.enter_async_context(organisation_of(system, "mallory"))
        mine, beside = [
            await Objects.made(owner, owner.http.headers["Comfyd-Organisation"], name=name)
            for name in ("mine", "beside")
        ]
        foreign = await Objects.made(
            stranger, stranger.http.headers["Comfyd-Organisation"], name="foreign"
        )
        holders = [
            *await people(system, owner),
            *await keys(owner, mine.deployment_id),
            Holder(name="nobody", headers={"Authorization": ""}, refused=True),
        ]
        async with httpx.AsyncClient(base_url=system.url, trust_env=False, timeout=30) as http:
            yield World(http=http, mine=mine, beside=beside, foreign=foreign, holders=holders)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_every_caller_gets_what_the_route_declares(world: World, route: Route) -> None:
    wrong = []
    # What names nobody's objects can hide none; lists are filtered instead.
    hides = await request_for(route, world.mine) != await request_for(route, world.foreign)
    for holder in world.holders:
        for whose, objects, hidden in (
            ("own", world.mine, False),
            ("beside", world.beside, holder.restricted),
            ("foreign", world.foreign, True),
        ):
            if hidden and (route.name in FILTERED or not hides):
                continue
            status = await world.status(await request_for(route, objects), holder)
            expected = holder.status_for(route, hidden=hidden)
            if status != expected and not (expected is None and status < 400):
                wrong.append(f"{holder.name}, {whose}: {status} instead of {expected or 'entry'}")
    assert wrong == []


def test_whatever_needs_no_credential_is_known_to() -> None:
    without = {route.path for route in all_routes() if not route.needs_caller}
    assert without
    assert all(OPEN.match(path) for path in without), without


def test_admin_suffices_everywhere() -> None:
    assert all(ADMIN in route.handler.opt[OPT] for route in ROUTES)
    assert {scope for route in ROUTES for scope in route.handler.opt[OPT]} == SCOPES


def test_a_route_that_does_not_say_who_may_use_it_keeps_us_from_starting() -> None:
    route = next(route for route in all_routes() if not route.needs_caller)
    with pytest.raises(ScopeUndeclared, match=re.escape(f"{route.method} {route.path}")):
        check_scopes_declared([*(route.handler for route in ROUTES), route.handler])
