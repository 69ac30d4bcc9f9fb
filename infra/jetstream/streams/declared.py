"""The streams, declared in one place: created and compared here, never by a service."""

from collections.abc import Collection, Mapping
from typing import Any

from msgspec.structs import replace

from events import subjects
from infra.jetstream.connection import Client, connected
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.streams.migration import PATIENCE, carry_out, check_lowering, compare, reason
from infra.jetstream.streams.plan import StreamPlan

SECOND = 1_000_000_000
"""JetStream counts in nanoseconds."""

DAY = 86_400 * SECOND

MAX_EVENTS_PER_AGGREGATE = 5000
"""Versions of one workflow, promotions of one deployment; far more than a run makes."""


class StreamDiffers(Exception):
    """A stream on the server is not as declared; the message says what differs and what to do."""


def declarations(replicas: int) -> tuple[Mapping[str, Any], ...]:
    """Return the configuration of every stream, in JetStream's own words.

    Nothing is compressed: after a kill -9 a server cuts a replica back inside of a compressed
    block and destroys it. With one replica nothing is cut, but the block stays when more are
    added, so the rule is the same for any number (docs/adr/0021-no-compression.md).
    """
    durable = {
        "storage": "file",
        "num_replicas": replicas,
        "max_consumers": -1,
        "max_age": 0,
        "max_msgs": -1,
        "compression": "none",
    }
    return (
        durable
        | {
            "name": subjects.LOG,
            "description": "The log: one exact subject per aggregate. The truth.",
            "subjects": ["ev.*.*.*"],
            "retention": "limits",
            "discard": "new",
            "discard_new_per_subject": True,
            "max_msgs_per_subject": MAX_EVENTS_PER_AGGREGATE,
            "deny_delete": True,
            "deny_purge": True,
            "allow_direct": True,
            "allow_atomic": True,
            "duplicate_window": 120 * SECOND,
            "republish": {"src": "ev.*.*.*", "dest": "live.{{wildcard(3)}}"},
        },
        durable
        | {
            "name": subjects.INPUTS,
            "description": "Private data of runs: beside the log and erasable.",
            "subjects": ["in.*.*"],
            "retention": "limits",
            "discard": "new",
            "discard_new_per_subject": True,
            "max_msgs_per_subject": 1,
            "allow_direct": True,
        },
        durable
        | {
            "name": subjects.WORK,
            "description": "Work that waits for a worker.",
            "subjects": ["work.>"],
            "retention": "workqueue",
            "discard": "new",
            "duplicate_window": 600 * SECOND,
        },
        durable
        | {
            "name": subjects.DEAD_LETTERS,
            "description": "Work that nobody could do, with the error.",
            "subjects": ["dlq.>"],
            "retention": "limits",
            "max_age": 30 * DAY,
            "allow_direct": True,
        },
        durable
        | {
            "name": subjects.PROBE,
            "description": "One message, written anew to see whether NATS can still write.",
            "subjects": [subjects.WRITE_PROBE],
            "retention": "limits",
            "max_msgs": 1,
        },
    )


async def plan(
    client: Client, *, replicas: int | None = None, patience: float = PATIENCE
) -> list[StreamPlan]:
    """Compare every stream with its declaration, and change nothing.

    Without *replicas* each stream keeps its number; a missing one gets that of the log, else 1.

    Raises:
        CannotMigrate: JetStream does not answer.

    """
    try:
        plans = await compare(client, declarations(1), patience=patience)
    except (ApiError, Unanswered) as error:
        raise reason(error) from error
    [log] = [one.present for one in plans if one.name == subjects.LOG]
    usual = (log or {}).get("num_replicas", 1)
    return [_with_replicas(one, replicas, usual) for one in plans]


async def migrate(
    client: Client,
    *,
    replicas: int | None = None,
    lower: Collection[str] = (),
    patience: float = PATIENCE,
) -> list[StreamPlan]:
    """Create what is missing, bring the rest up to its declaration, and return what was done.

    Changes that would keep less than before are made in the fields of *lower* only: if there are
    others, nothing is changed at all.

    Raises:
        CannotMigrate: it would keep less, NATS refuses, or JetStream does not answer.

    """
    plans = await plan(client, replicas=replicas, patience=patience)
    check_lowering(plans, lower)
    for one in plans:
        if one.did != "unchanged":
            await carry_out(client, one, patience=patience)
    return plans


async def check(url: str) -> None:
    """Return if the server at *url* has every stream as declared, however often replicated.

    Raises:
        StreamDiffers: it has not; the message names what differs and what to do.

    """
    async with connected(url, name="check") as client:
        found = await differences(client)
    if found:
        told = "; ".join(f"{name} ({', '.join(fields)})" for name, fields in found.items())
        raise StreamDiffers(f"streams are not as declared: {told}; run `comfyd migrate`")


async def differences(client: Client) -> dict[str, tuple[str, ...]]:
    """Return which fields of which streams differ from their declaration.

    Raises:
        ApiError, Unanswered: JetStream does not say.

    """
    plans = [
        _with_replicas(one, None, usual=1)
        for one in await compare(client, declarations(1), patience=0)
    ]
    return {one.name: one.changed or ("missing",) for one in plans if one.did != "unchanged"}


def _with_replicas(one: StreamPlan, asked: int | None, usual: int) -> StreamPlan:
    number = asked or (one.present or {}).get("num_replicas", usual)
    return replace(one, wanted={**one.wanted, "num_replicas": number})
