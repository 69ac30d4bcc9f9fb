"""JWTs can be revoked, with or without an end of their own; nobody revokes another tenant's."""

import time
from typing import Any

import httpx
import jwt
import pytest

from tests.e2e.system import SECRET, System
from tests.e2e.tenant import Tenant


def token(user: str, **claims: Any) -> str:
    told = {"user_id": user, "iat": int(time.time()), **claims}
    return jwt.encode(told, SECRET, algorithm="HS256")


async def runs(tenant: Tenant, credential: str) -> httpx.Response:
    return await tenant.http.get("/v1/runs", headers={"Authorization": f"Bearer {credential}"})


async def revoke(tenant: Tenant, **body: str) -> httpx.Response:
    return await tenant.http.post("/v1/tokens/revoke", json=body)


@pytest.mark.parametrize(
    "claims", [{}, {"exp": 4_000_000_000}, {"jti": "by itself"}], ids=["no end", "an end", "jti"]
)
async def test_a_revoked_token_opens_nothing(ada: Tenant, claims: dict[str, Any]) -> None:
    leaked = token("ada", note="leaked", **claims)
    assert (await runs(ada, leaked)).status_code == 200

    revoked = await revoke(ada, token=leaked)

    assert revoked.status_code == 200
    answer = await runs(ada, leaked)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")
    assert (await runs(ada, f"{leaked}=")).status_code == 401, "another spelling is the same token"
    assert (await revoke(ada, token=leaked)).json() == revoked.json()
    assert (await runs(ada, token("ada"))).status_code == 200


async def test_a_token_can_be_revoked_without_having_it(ada: Tenant, bob: Tenant) -> None:
    """A jti names a token of one's own tenant, whatever others call theirs."""
    assert (await revoke(bob, jti="only the name")).status_code == 200
    leaked = token("ada", jti="only the name")
    assert (await runs(ada, leaked)).status_code == 200
    await revoke(ada, jti="only the name")
    assert (await runs(ada, leaked)).json()["code"] == "token_revoked"


async def test_a_token_of_another_tenant_is_not_found(ada: Tenant, bob: Tenant) -> None:
    theirs = token("bob")
    assert (await revoke(ada, token=theirs)).status_code == 404
    assert (await runs(bob, theirs)).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "token_or_jti"),
        ({"token": "a", "jti": "b"}, "token_or_jti"),
        ({"token": "nonsense"}, "bad_token"),
        ({"token": "cfd_" + "A" * 64}, "bad_token"),
    ],
)
async def test_what_names_no_token_is_refused(ada: Tenant, body: dict[str, str], code: str) -> None:
    answer = await revoke(ada, **body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)


async def test_every_process_knows_of_it_within_a_second(system: System, ada: Tenant) -> None:
    url = system.start_another_api("third api")
    await system.until_ready(url)
    leaked = token("ada", note="elsewhere")
    headers = {"Authorization": f"Bearer {leaked}"}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, trust_env=False, timeout=40
    ) as elsewhere:
        assert (await elsewhere.get("/v1/runs")).status_code == 200
        await revoke(ada, token=leaked)
        told = asked = time.monotonic()
        while (answer := await elsewhere.get("/v1/runs")).status_code == 200:
            assert asked - told < 1.0
            asked = time.monotonic()
    system.end("third api")

    assert answer.json()["code"] == "token_revoked"
