"""Who may enter: those with a token of ours, for whom it was made."""

import httpx
import jwt
import pytest

from tests.e2e.graphs import MISSING, card
from tests.e2e.system import SECRET, System
from tests.e2e.tenant import Tenant, client_of


async def test_everything_needs_a_token_but_the_health_checks(system: System) -> None:
    async with httpx.AsyncClient(base_url=system.url, trust_env=False, timeout=40) as stranger:
        closed = [
            await stranger.get("/v1/runs"),
            await stranger.get(f"/v1/runs/{MISSING}"),
            await stranger.get(f"/v1/runs/{MISSING}/events"),
            await stranger.post("/v1/runs", json={}),
            await stranger.get("/v1/machines"),
            await stranger.get("/v1/workflows"),
            await stranger.get("/v1/deployments"),
        ]
        live, ready = await stranger.get("/health/live"), await stranger.get("/health/ready")

    assert {answer.status_code for answer in closed} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in closed} == {"Bearer"}
    assert live.json() == {"status": "ok"}
    assert ready.json().keys() >= {"log", "storage", "read_models", "status"}


@pytest.mark.parametrize(
    ("claims", "secret", "algorithm"),
    [
        ({"user_id": "ada", "iat": 1, "exp": 2}, SECRET, "HS256"),
        ({"user_id": "ada", "iat": 1}, "another secret that is long enough too", "HS256"),
        ({"user_id": "ada", "iat": 1}, "another secret that is long enough for HS384 too", "HS384"),
        ({"user_id": "ada", "iat": 1}, "", "none"),
        ({"user_id": "ada"}, SECRET, "HS256"),
        ({"iat": 1}, SECRET, "HS256"),
    ],
    ids=[
        "expired",
        "strange secret",
        "strange secret, longer hash",
        "unsigned",
        "without iat",
        "of nobody",
    ],
)
async def test_a_token_that_is_not_right_opens_nothing(
    ada: Tenant, claims: dict[str, object], secret: str, algorithm: str
) -> None:
    token = jwt.encode(claims, secret, algorithm=algorithm)

    answer = await ada.http.get("/v1/runs", headers={"Authorization": f"Bearer {token}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


async def test_the_runs_of_an_organisation_belong_to_all_its_members(system: System) -> None:
    first = {"Authorization": f"Bearer {system.token('ada', 'acme')}"}
    second = {"Authorization": f"Bearer {system.token('bob', 'acme')}"}
    async with client_of(system, "ada") as http:
        http.headers.update(first)
        run = await (tenant := Tenant(http, system.machine_url)).run(await tenant.deploy(card()))
        path = f"/v1/runs/{run['id']}"
        seen = await http.get(path, headers=second)
        alone = await http.get(path, headers={"Authorization": f"Bearer {system.token('ada')}"})

    assert (seen.status_code, seen.json()) == (200, run)
    assert alone.status_code == 404
