"""Streams to back up: runs of every kind, and what is in a stream or a folder."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from events.aggregates import RUN
from events.run.commands import (
    CreateRun,
    EraseInputs,
    EraseRun,
    RecordDataDeleted,
    RecordInputsDeleted,
    RequestCancel,
    RunCommand,
)
from infra.event_store import Session
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.private_data import PrivateData
from tests.builders.facts import NOW, created, meta

ENDED = (RequestCancel(by="user:ada", now=NOW),)
ERASED = (*ENDED, EraseRun(reason="request", by="user:ada", now=NOW))
DELETED = (*ERASED, RecordDataDeleted(now=NOW))
WITHOUT_INPUTS = (
    *ENDED,
    EraseInputs(due=NOW, by="user:ada", now=NOW),
    RecordInputsDeleted(now=NOW),
)


async def new_run(client: Client, *commands: RunCommand) -> UUID:
    run_id = uuid4()
    await PrivateData(client).put_inputs(run_id, "hash", {"prompt": "moonlit-otter"})
    session = Session(JetStreamEventStore(client), RUN, run_id, tenant="user:ada")
    for command in (CreateRun(created=created(run_id=run_id, has_inputs=True)), *commands):
        await session.execute(command, meta())
    return run_id


async def content(client: Client, stream: str) -> list[tuple[int, str, bytes, dict[str, str]]]:
    """Return every message of a stream, with its position."""
    info = await api(client, f"STREAM.INFO.{stream}", {}, within=5)
    found = []
    for position in range(1, info["state"]["last_seq"] + 1):
        message = await client.jetstream().get_msg(stream, position)
        assert message.subject is not None
        found.append((position, message.subject, message.data or b"", message.headers or {}))
    return found


async def state(client: Client, stream: str) -> dict[str, Any]:
    info = await api(client, f"STREAM.INFO.{stream}", {}, within=5)
    return dict(info)


def names_in(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def silence(_: str, __: int) -> None:
    """Show no progress."""
