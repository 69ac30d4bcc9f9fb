"""Asks for batches, and waits for their end."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from events.run.status import Status
from tests.e2e.system import PATIENCE, eventually
from tests.e2e.tenant import Tenant

Json = dict[str, Any]
Inputs = Sequence[Mapping[str, Any]]


async def ask(ada: Tenant, deployment: str, inputs: Inputs, **headers: str) -> httpx.Response:
    """Ask for a batch."""
    body = {"deployment_id": deployment, "inputs": inputs}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await ada.http.post("/v1/batches", json=body, headers=sent)


async def make(ada: Tenant, deployment: str, inputs: Inputs) -> Json:
    """Make a batch."""
    answer = await ask(ada, deployment, inputs)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def read(ada: Tenant, batch_id: str) -> Json:
    """Read where a batch stands."""
    answer = await ada.http.get(f"/v1/batches/{batch_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def done(ada: Tenant, batch_id: str, *, within: float = PATIENCE) -> Json:
    """Wait for the end of a batch."""

    async def look() -> Json | None:
        batch = await read(ada, batch_id)
        assert sum(batch["counts"].values()) == batch["total"]
        return batch if batch["status"] == "done" else None

    return await eventually(look, within=within)


def colours(count: int, first: int = 0) -> list[Json]:
    """Return the inputs of so many cards, each of another colour."""
    return [{"colour": first + index} for index in range(count)]


def counted(**counts: int) -> dict[str, int]:
    """Return counts with every status named."""
    return {str(status): 0 for status in Status} | counts
