"""API keys of tests: issued, and shown."""

from typing import Any

from tests.e2e.tenant import Tenant

Json = dict[str, Any]
SOON = 1.0
"""Seconds after which every process must know of a revocation: what we promise."""


async def issue(tenant: Tenant, *scopes: str, **fields: Any) -> Json:
    body = {"name": "test", "scopes": scopes, **fields}
    answer = await tenant.http.post("/v1/keys", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
