"""Makes streams as they are declared: says what will change, and loses nothing unasked."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.error_codes import (
    NO_LEADER,
    NO_PLACE,
    NO_STREAM,
    SINGLE_SERVER,
    STORE_FAILED,
)
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.streams.cannot_migrate import CannotMigrate
from infra.jetstream.streams.plan import StreamPlan

REASONS = {
    SINGLE_SERVER: "single_server",
    NO_PLACE: "too_few_servers",
    NO_LEADER: "no_majority",
}

PASSING = frozenset({NO_PLACE, NO_LEADER, STORE_FAILED})
"""Refusals that end by themselves while a cluster is starting."""

PATIENCE = 15.0
"""Seconds for which they are waited for."""

PAUSE = 0.1
WITHIN = 5.0


async def compare(
    client: Client, declared: Sequence[Mapping[str, Any]], *, patience: float
) -> list[StreamPlan]:
    """Compare each declared stream with the one on the server, and change nothing.

    Raises:
        ApiError, Unanswered: JetStream does not say.

    """
    return [
        StreamPlan(wanted=wanted, present=await _present(client, wanted["name"], patience))
        for wanted in declared
    ]


def check_lowering(plans: Sequence[StreamPlan], allowed: Collection[str]) -> None:
    """Return if every change that keeps less than before is in a field that is *allowed*.

    Raises:
        CannotMigrate: one is not; the message names it, and how to allow it.

    """
    lowering = [
        (plan.name, change)
        for plan in plans
        for change in plan.changes
        if change.lowers and change.field not in allowed
    ]
    if not lowering:
        return
    fields = sorted({change.field for _, change in lowering})
    raise CannotMigrate(
        "would_lower_replicas" if fields == ["num_replicas"] else "would_lower",
        changes=", ".join(f"{name} {change}" for name, change in lowering),
        flags=" ".join(f"--lower {field}" for field in fields),
    )


async def carry_out(client: Client, plan: StreamPlan, *, patience: float) -> None:
    """Create or update a stream, whatever it loses by that.

    Raises:
        CannotMigrate: NATS refuses, or JetStream does not answer.

    """
    operation = "CREATE" if plan.present is None else "UPDATE"
    # What is not declared stays as it is.
    config = {**(plan.present or {}), **plan.wanted}
    try:
        await _asked(client, f"STREAM.{operation}.{plan.name}", config, patience)
    except (ApiError, Unanswered) as error:
        raise reason(error, plan) from error


def reason(error: Exception, plan: StreamPlan | None = None) -> CannotMigrate:
    """Return what an error of JetStream's means for a migration."""
    code = "no_majority"
    if isinstance(error, ApiError):
        code = REASONS.get(error.code, "refused")
    return CannotMigrate(
        code,
        stream=plan.name if plan else "*",
        replicas=str(plan.wanted["num_replicas"]) if plan else "",
        fields=", ".join(plan.changed) if plan else "",
        reason=str(error),
    )


async def _present(client: Client, name: str, patience: float) -> Mapping[str, Any] | None:
    try:
        info = await _asked(client, f"STREAM.INFO.{name}", {}, patience)
    except ApiError as error:
        if error.code == NO_STREAM:
            return None
        raise
    config: Mapping[str, Any] = info["config"]
    return config


async def _asked(
    client: Client, operation: str, request: object, patience: float
) -> dict[str, Any]:
    """Ask JetStream; while a cluster may be starting, ask again. What was done is done once."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + patience
    while True:
        try:
            return await api(client, operation, request, within=WITHIN)
        except (ApiError, Unanswered) as error:
            final = isinstance(error, ApiError) and error.code not in PASSING
            if final or clock() > deadline:
                raise
        await asyncio.sleep(PAUSE)
