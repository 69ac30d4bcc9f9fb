"""The streams, declared in one place: created and compared here, never by a service."""

import asyncio
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from nats.aio.client import Client

from events import subjects
from infra.nats_connection import ApiError, api, connected

SECOND = 1_000_000_000
"""JetStream counts in nanoseconds."""

DAY = 86_400 * SECOND
NOT_FOUND = 10059
STORE_FAILED = 10049
STORE_WAIT = 5.0
"""Seconds for which a server may say that it cannot make a stream's folder."""

MAX_EVENTS_PER_AGGREGATE = 5000
"""Versions of one workflow, promotions of one deployment; far more than a run makes."""


class StreamDiffers(Exception):
    """A stream on the server is not as declared and cannot be changed to be so."""


class StreamReport(Struct, frozen=True, kw_only=True):
    """What the migration did with one stream."""

    name: str
    did: str
    """created, updated or unchanged."""

    changed: tuple[str, ...] = ()


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


async def migrate(client: Client, *, replicas: int = 1) -> list[StreamReport]:
    """Create what is missing and bring the rest up to its declaration.

    Raises:
        StreamDiffers: the server refuses a change; the message names the stream.
        UNANSWERED: the server does not answer.

    """
    return [await _migrate_one(client, wanted) for wanted in declarations(replicas)]


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
    """Tell which fields of which streams differ from their declaration."""
    found: dict[str, tuple[str, ...]] = {}
    for declared in declarations(replicas=1):
        wanted = {field: value for field, value in declared.items() if field != "num_replicas"}
        present = await _present(client, wanted["name"])
        differing = ("missing",) if present is None else _differing(wanted, present)
        if differing:
            found[wanted["name"]] = differing
    return found


async def _migrate_one(client: Client, wanted: Mapping[str, Any]) -> StreamReport:
    name = wanted["name"]
    present = await _present(client, name)
    if present is None:
        await _create(client, wanted)
        return StreamReport(name=name, did="created")
    changed = _differing(wanted, present)
    if not changed:
        return StreamReport(name=name, did="unchanged")
    try:
        await api(client, f"STREAM.UPDATE.{name}", {**present, **wanted}, within=10)
    except ApiError as error:
        raise StreamDiffers(f"stream {name} ({', '.join(changed)}): {error}") from error
    return StreamReport(name=name, did="updated", changed=changed)


async def _create(client: Client, wanted: Mapping[str, Any]) -> None:
    """Create a stream; a server that still clears away a deleted one of its name is asked again."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + STORE_WAIT
    while True:
        try:
            await api(client, f"STREAM.CREATE.{wanted['name']}", wanted, within=10)
        except ApiError as error:
            if error.code != STORE_FAILED or clock() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            return


async def _present(client: Client, name: str) -> dict[str, Any] | None:
    try:
        info = await api(client, f"STREAM.INFO.{name}", {}, within=5)
    except ApiError as error:
        if error.code == NOT_FOUND:
            return None
        raise
    config: dict[str, Any] = info["config"]
    return config


def _differing(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(field for field, value in wanted.items() if present.get(field) != value)
