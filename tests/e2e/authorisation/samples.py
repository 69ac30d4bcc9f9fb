"""What a tenant has, and what to ask each route for.

A new route with a path parameter needs an entry in SAMPLES; one with a body needs one in BODIES;
one with a required query parameter needs one in QUERIES.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from uuid import uuid4

from msgspec import Struct

from app.auth.scopes import RUNS_READ
from tests.e2e.authorisation.routes import Route
from tests.e2e.graphs import card
from tests.e2e.signing_in import cookies_by_key
from tests.e2e.tenant import Json, Tenant

SOMEBODY = "dave"


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
    "step": _always("generate-upload-url"),
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
        "POST /comfyui-logins/{request_id}/revoke",
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
