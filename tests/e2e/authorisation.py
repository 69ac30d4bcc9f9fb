"""Who may come and what they may ask for: callers of every kind, and a tenant's sample objects.

A new route with a path parameter needs an entry in SAMPLES; one with a body needs one in BODIES;
one with a required query parameter needs one in QUERIES.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
from litestar.handlers.http_handlers import HTTPRouteHandler
from msgspec import Struct

from app.auth.credentials import SCOPES_OF_ROLE
from app.auth.scopes import ADMIN, OPT, PER_DEPLOYMENT, RUNS_READ, RUNS_WRITE, SCOPES
from app.auth.session.form_tokens import FormTokens
from app.http.dialect import DIALECT
from app.pages.shell.errors import PAGES
from tests.e2e.graphs import card
from tests.e2e.signing_in import cookies_by_key, cookies_by_link
from tests.e2e.system import SECRET, System
from tests.e2e.tenant import Json, Tenant, client_of

HEADER = "Comfyd-Organisation"
SOMEBODY = "dave"


class Route(Struct, frozen=True, kw_only=True):
    """One route of the API."""

    method: str
    path: str
    handler: HTTPRouteHandler

    @property
    def name(self) -> str:
        """The route as the pages call it."""
        return f"{self.method} {re.sub(r':[a-z]+}', '}', self.path)}"

    @property
    def parameters(self) -> list[str]:
        """Names of what varies in its path."""
        return re.findall(r"{(\w+):", self.path)

    @property
    def is_page(self) -> bool:
        """Whether a browser opens it, with a cookie."""
        # Litestar copies what a router passes on.
        return self.handler.opt.get(DIALECT) == PAGES

    @property
    def takes_body(self) -> bool:
        """Whether it reads a body."""
        return "data" in self.handler.parsed_fn_signature.parameters


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
        return HIDDEN.get(route.name, 404) if hidden else None


HIDDEN = {"GET /api/run": 400}
"""Where the classic dialect says something else than 404."""


PERSONAL = frozenset({"POST /sessions/{session_id}/revoke"})
"""What only a person themselves may do, and admins; the sample is never theirs."""


class Objects:
    """What a tenant has, made through the API."""

    def __init__(self, tenant: Tenant, organisation_id: str) -> None:
        self.tenant = tenant
        self.organisation_id = organisation_id
        self.deployment_id = self.workflow_id = self.version_id = self.machine_id = ""
        self.run_id = self.batch_id = ""

    @classmethod
    async def made(cls, tenant: Tenant, organisation_id: str, *, name: str) -> "Objects":
        """Deploy a graph, and let a run of it end."""
        objects = cls(tenant, organisation_id)
        objects.deployment_id = await tenant.deploy(card(), name=name)
        read = await tenant.http.get(f"/v1/deployments/{objects.deployment_id}")
        objects.workflow_id, objects.version_id, objects.machine_id = (
            read.json()[name] for name in ("workflow_id", "version_id", "machine_id")
        )
        objects.run_id = (await tenant.run(objects.deployment_id))["id"]
        batch = {"deployment_id": objects.deployment_id, "inputs": [{}]}
        objects.batch_id = await _made(tenant, "/v1/batches", batch)
        return objects

    async def another_machine(self) -> str:
        """Register one that nothing else needs."""
        body = {"name": f"spare {uuid4()}", "url": "http://127.0.0.1:9"}
        return await _made(self.tenant, "/v1/machines", body)

    async def another_key(self) -> str:
        """Issue one that nothing else needs."""
        body = {"name": "spare", "scopes": [RUNS_READ]}
        return await _made(self.tenant, "/v1/keys", body)

    async def another_session(self) -> str:
        """Sign in with a key that nothing else needs."""
        body = {"name": "spare", "scopes": [RUNS_READ]}
        made = (await self.tenant.http.post("/v1/keys", json=body)).json()
        await cookies_by_key(str(self.tenant.http.base_url), made["key"])
        listed = (await self.tenant.http.get("/v1/sessions")).json()["data"]
        return str(next(s["id"] for s in listed if s["key_id"] == made["id"]))


async def _made(tenant: Tenant, path: str, body: Json) -> str:
    answer = await tenant.http.post(path, json=body)
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


Sample = Callable[[Objects], Awaitable[str]]


def _of(field: str) -> Sample:
    async def sample(objects: Objects) -> str:
        return str(getattr(objects, field))

    return sample


def _always(value: str) -> Sample:
    async def sample(_: Objects) -> str:
        return value

    return sample


async def _fresh(_: Objects) -> str:
    return str(uuid4())


SAMPLES: Mapping[str, Sample] = {
    "run_id": _of("run_id"),
    "workflow_id": _of("workflow_id"),
    "version_id": _of("version_id"),
    "deployment_id": _of("deployment_id"),
    "organisation_id": _of("organisation_id"),
    "machine_id": Objects.another_machine,
    "key_id": Objects.another_key,
    "request_id": _fresh,
    "session_id": Objects.another_session,
    "batch_id": _of("batch_id"),
    "user_id": _always(SOMEBODY),
    "environment_name": _always("production"),
    "version": _always("1"),
    "number": _always("1"),
}
"""What to put for each parameter of a path."""

BODIES: Mapping[str, Callable[[Objects], Json]] = {
    "POST /api/run": lambda o: {"deployment_id": o.deployment_id},
    "POST /v1/runs": lambda o: {"deployment_id": o.deployment_id},
    "POST /v1/runs/{run_id}/rerun": lambda _: {},
    "POST /v1/runs/{run_id}/ticket": lambda _: {},
    "POST /v1/batches/{batch_id}/ticket": lambda _: {},
    "POST /v1/events/ticket": lambda _: {},
    "POST /v1/runs/rerun": lambda o: {"filter": {"deployment_id": o.deployment_id}},
    "POST /v1/batches": lambda o: {"deployment_id": o.deployment_id, "inputs": [{}]},
    "POST /v1/machines": lambda _: {"name": "made", "url": "http://127.0.0.1:9"},
    "PATCH /v1/machines/{machine_id}": lambda _: {"url": "http://127.0.0.1:10"},
    "POST /v1/workflows": lambda _: {"name": "pushed", "graph": card()},
    "PUT /v1/workflows/{workflow_id}/deployments/{environment_name}": lambda _: {"version": 1},
    "POST /v1/deployments/{deployment_id}/rollback": lambda _: {"version": 1},
    "POST /api/cleanup-run-data": lambda o: {"run_id": o.run_id},
    "POST /api/get-presigned-upload-url": lambda _: {"fileType": "image/png"},
    "POST /api/create-run": lambda o: {"workflow_id": o.workflow_id},
    "POST /api/workflow": lambda o: {"workflow_id": o.workflow_id, "workflow_api": card()},
    "POST /api/upload": lambda o: {"workflow_id": o.workflow_id, "workflow_api": card()},
    "POST /api/workflow/{workflow_id}/version": lambda _: {"workflow_api": card()},
    "POST /v1/aliases": lambda o: {
        "kind": "deployment",
        "foreign_id": str(uuid4()),
        "target_id": o.deployment_id,
    },
    "POST /v1/workflows/{workflow_id}/versions/{version}/edit-link": lambda o: {
        "machine_id": o.machine_id
    },
    "POST /v1/keys": lambda o: {
        "name": "k",
        "scopes": [RUNS_READ],
        "deployments": [o.deployment_id],
    },
    "POST /v1/tokens/revoke": lambda _: {"jti": "nobody's"},
    "POST /v1/organisations": lambda _: {"name": "another"},
    "PUT /v1/organisations/{organisation_id}/members/{user_id}": lambda _: {"role": "viewer"},
}
"""A body that is taken, for each route that reads one."""

QUERIES: Mapping[str, Callable[[Objects], dict[str, str]]] = {
    "GET /api/run": lambda o: {"run_id": o.run_id},
    "GET /api/view": lambda o: {"file": f"outputs/runs/{o.run_id}/card_00001_.png"},
    "GET /api/upload-url": lambda _: {"type": "image/png", "file_size": "70"},
    "GET /v1/workflows/{workflow_id}/diff": lambda _: {"from": "1", "to": "1"},
}
"""Query parameters, for each route that requires some."""

FORMS: Mapping[str, Callable[[Objects], dict[str, str]]] = {
    "POST /runs/selected": lambda o: {"action": "cancel", "run": o.run_id},
}
"""What a form of a page holds, for each that reads one."""

FILTERED = frozenset(
    {
        "POST /v1/runs/rerun",
        *(f"{method} /comfyui-logins/{{request_id}}" for method in ("GET", "POST")),
    }
)
"""Where what is hidden is passed over instead of refused, and what is nobody's before."""


class Request(Struct, frozen=True, kw_only=True):
    """What is sent to a route, but for who sends it."""

    method: str
    url: str
    body: Json | None
    query: dict[str, str]
    is_page: bool
    form: dict[str, str]


async def request_for(route: Route, objects: Objects) -> Request:
    """Fill a route in with a tenant's objects.

    Raises:
        LookupError: nobody has said what to put there.

    """
    url = route.path
    for name in route.parameters:
        if name not in SAMPLES:
            raise LookupError(f"{route.name}: add {name} to SAMPLES in {__file__}")
        url = re.sub(rf"{{{name}:\w+}}", await SAMPLES[name](objects), url)
    if route.takes_body and route.name not in BODIES:
        raise LookupError(f"{route.name}: add it to BODIES in {__file__}")
    body = BODIES[route.name](objects) if route.takes_body else None
    query = QUERIES[route.name](objects) if route.name in QUERIES else {}
    form = FORMS[route.name](objects) if route.name in FORMS else {}
    return Request(
        method=route.method, url=url, body=body, query=query, is_page=route.is_page, form=form
    )


class World(Struct, frozen=True, kw_only=True):
    """An organisation with members, keys and objects, and another one that is not theirs."""

    http: httpx.AsyncClient
    mine: Objects
    beside: Objects
    """Mine too, but of another deployment than restricted keys are for."""

    foreign: Objects
    holders: list[Holder]

    async def status(self, request: Request, holder: Holder) -> int:
        """Send a request; give its status, without waiting for the end of a stream."""
        if request.is_page:
            return await self._status_of_page(request, holder)
        async with self.http.stream(
            request.method,
            request.url,
            json=request.body,
            params=request.query,
            headers=dict(holder.headers),
        ) as answer:
            return answer.status_code

    async def _status_of_page(self, request: Request, holder: Holder) -> int:
        """Send a request as a browser does; give 401 where that is led to the sign-in."""
        # The token of a form is bound to the cookie. A bearer token must not matter.
        kept = holder.cookies
        if request.url == "/sign-out" and holder.sign_in and not holder.refused:
            kept = await holder.sign_in()
        secret = next((value for value in kept.values() if value.startswith("cfs_")), "")
        cookies = "; ".join(f"{name}={value}" for name, value in kept.items())
        origin = str(self.http.base_url).rstrip("/")
        headers = {"Accept": "text/html", "Cookie": cookies, "Origin": origin, **holder.headers}
        form = {"form_token": FormTokens(SECRET).token(secret), **request.form}
        async with self.http.stream(
            request.method,
            request.url,
            params=request.query,
            headers=headers,
            data=form if request.method == "POST" else None,
        ) as answer:
            led = answer.headers.get("Location", "").split("?")[0].endswith("sign-in")
            return 401 if led and "Set-Cookie" not in answer.headers else answer.status_code


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
