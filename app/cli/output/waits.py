"""Reason for which a run waits, with the names of machines in place of their ids."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx

from app.cli.client.api_client import ApiClient

PATIENCE = timedelta(seconds=2)
"""A shorter wait is not shown: every run waits a moment for its worker."""


async def why_it_waits(api: ApiClient, run_id: str, *, at_least: timedelta = PATIENCE) -> str:
    """Return why a run waits, in the user's language; empty if it does not."""
    waiting = (await api.get(f"/v1/runs/{run_id}/timeline"))["waiting"]
    if not waiting or datetime.now(UTC) - datetime.fromisoformat(waiting["since"]) < at_least:
        return ""
    return with_names(waiting["detail"] or waiting["reason"], await machine_names(api))


async def machine_names(api: ApiClient) -> dict[str, str]:
    """Return the names of machines by id; none if the caller may not see machines."""
    try:
        return {found["id"]: found["name"] for found in await api.items("/v1/machines")}
    except httpx.HTTPStatusError:
        return {}


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Put the names of machines in the place of their ids."""
    for machine_id, name in names.items():
        text = text.replace(machine_id, name)
    return text
