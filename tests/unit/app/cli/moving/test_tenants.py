"""The API as the owner of each thing: what is asked again, what ends an import, what goes on."""

from collections.abc import Callable

import httpx
import pytest

from app.auth.tokens import Tokens
from app.cli.client.api_client import ApiClient
from app.cli.moving.earlier import earlier_imports, gone
from app.cli.moving.plan import Made, Owner, plan_of
from app.cli.moving.tenants import OtherSecret, Refused, TenantApi
from infra.comfyui_deploy.source import SourceMachine, SourceRows, SourceWorkflow

SECRET = "s" * 64
MIA = Owner("mia", None)

Answer = Callable[[httpx.Request], httpx.Response]


def api(answer: Answer) -> TenantApi:
    http = httpx.AsyncClient(base_url="http://comfyd", transport=httpx.MockTransport(answer))
    return TenantApi(ApiClient(http), Tokens(SECRET))


async def test_each_owner_has_a_token_of_their_own() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        claims = Tokens(SECRET).verify(request.headers["Authorization"].removeprefix("Bearer "))
        seen.append(f"{claims.user_id} {claims.org_id}")
        return httpx.Response(201, json={"id": "x"})

    tenants = api(answer)
    for owner in (MIA, Owner("mia", "acme"), MIA):
        assert (await tenants.call(owner, "POST", "/v1/machines", {})).is_new
    assert seen == ["mia None", "mia acme", "mia None"]


async def test_a_busy_server_is_asked_again() -> None:
    answers = [
        httpx.Response(429, headers={"Retry-After": "0"}),
        httpx.Response(503, headers={"Retry-After": "0"}),
        httpx.Response(200, json={"id": "x"}),
    ]
    found = await api(lambda _: answers.pop(0)).call(MIA, "POST", "/v1/machines", {})
    assert (found.body, found.is_new, answers) == ({"id": "x"}, False, [])


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Refused),
        (403, Refused),
        (413, Refused),
        (500, Refused),
        (401, OtherSecret),
        (502, httpx.HTTPStatusError),
    ],
)
async def test_what_is_refused_is_one_thing_and_a_server_that_is_away_ends_it(
    status: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await api(lambda _: httpx.Response(status, json={})).call(MIA, "POST", "/v1/machines", {})


@pytest.mark.parametrize(("status", "opens"), [(200, True), (404, True), (401, False)])
async def test_whether_a_key_is_still_taken(status: int, *, opens: bool) -> None:
    assert await api(lambda _: httpx.Response(status, json={})).opens("a key") is opens


async def test_what_an_earlier_import_has_made_is_found_by_its_old_ids() -> None:
    known = {
        "/api/machine/m": {"id": "M", "name": "gpu", "endpoint": "http://a"},
        "/api/workflow/w/versions": [{"workflow_id": "W"}],
        "/v1/workflows/W": {"id": "W", "name": "poster (2)"},
    }

    def answer(request: httpx.Request) -> httpx.Response:
        body = known.get(request.url.path)
        return httpx.Response(404 if body is None else 200, json=body)

    machines = [
        SourceMachine(name, "mia", None, name, "http://a", "classic", disabled=False, token="")
        for name in ("m", "new")
    ]
    workflows = [SourceWorkflow(name, "mia", None, "poster") for name in ("w", "other")]
    rows = SourceRows(machines=tuple(machines), workflows=tuple(workflows))
    found = await earlier_imports(rows, api(answer))

    assert found.machines == {("user:mia", "m"): Made("M", "gpu", "http://a")}
    assert found.workflows == {"w": Made("W", "poster (2)")}


async def test_what_was_imported_and_is_gone_there_is_looked_for_on_every_page() -> None:
    def workflow(name: str, comment: str) -> dict[str, object]:
        return {"id": name, "name": name, "latest": {"comment": comment}}

    def answer(request: httpx.Request) -> httpx.Response:
        if "cursor" in request.url.params:
            assert request.url.params["cursor"] == "a/b+c"
            page = [workflow("gone", "comfyui-deploy: 3"), workflow("made here", "mine")]
            return httpx.Response(200, json={"data": page, "next_cursor": None})
        page = [workflow("poster", "comfyui-deploy: 1")]
        return httpx.Response(200, json={"data": page, "next_cursor": "a/b+c"})

    plan = plan_of(SourceRows(workflows=(SourceWorkflow("w", "mia", None, "poster"),)))
    found = [(owner, one["name"]) async for owner, one in gone(plan, api(answer))]

    assert found == [(MIA, "gone")]
