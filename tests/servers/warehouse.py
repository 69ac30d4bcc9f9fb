"""The warehouse of docs/analyse-runs.md as a process, and logs for it to read."""

import asyncio
import json
import os
import re
import sqlite3
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from subprocess import Popen
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from events import codec
from events.aggregates import RUN
from events.envelope import AnyRecorded, Recorded
from events.run.commands import (
    ClaimRun,
    CreateRun,
    EraseRun,
    FailRun,
    RecordOutputs,
    RecordUpload,
    ReportStatus,
    RequestCancel,
    RunCommand,
    SettleRun,
)
from events.run.events import RunError
from events.run.status import Status
from events.subjects import subject
from infra.jetstream.connection import Client
from tests.builders.facts import MACHINE_ID, created, image_output, later, meta, uploaded

PAGE = (Path(__file__).parents[2] / "docs" / "analyse-runs.md").read_text("utf-8")
[SOURCE] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
"""The program, as it stands on the page."""

ERROR = RunError(code="node_failed", message="who is SECRET PERSON?", node_id="1")
Row = tuple[Any, ...]
Tables = tuple[list[Row], list[Row]]


def happened(run_id: UUID, kind: int) -> list[AnyRecorded]:
    """Return the facts of a run: rendered, failed, each of these and erased, or cancelled."""
    name = f"SECRET-{run_id}.png"
    upload = replace(uploaded(name=name), at=later(10))
    create = CreateRun(created=created(run_id=run_id, workflow_name="cats"))
    begun: list[RunCommand] = [
        create,
        ClaimRun(machine_id=MACHINE_ID, machine_name="gpu", worker="w", now=later(1)),
        ReportStatus(fence=1, status=Status.STARTED, now=later(2)),
        ReportStatus(fence=1, status=Status.RUNNING, now=later(3)),
    ]
    outputs = (image_output(name=name),)
    rendered: list[RunCommand] = [
        *begun,
        RecordOutputs(attempt=1, outputs=outputs, now=later(9), render_seconds=5.5),
        RecordUpload(upload=upload),
        SettleRun(now=later(11)),
    ]
    failed = [*begun, FailRun(error=ERROR, now=later(9), attempt=1, render_seconds=5.5)]
    erased = EraseRun(reason="request", by="user:ada", now=later(60))
    cancelled: list[RunCommand] = [create, RequestCancel(by="user:ada", now=later(5))]
    kinds = (rendered, failed, [*rendered, erased], [*failed, erased], cancelled)
    return recorded(run_id, kinds[kind])


def recorded(run_id: UUID, commands: Sequence[RunCommand]) -> list[AnyRecorded]:
    state = None
    found: list[AnyRecorded] = []
    for command in commands:
        for event in RUN.decide(state, command):
            state = RUN.evolve(state, event)
            found.append(
                Recorded(
                    aggregate=RUN.name(run_id),
                    position=0,
                    version=len(found) + 1,
                    id=uuid4(),
                    type=codec.type_name_of(type(event)),
                    status=state.status,
                    event=event,
                    meta=meta(),
                    recorded_at=event.at,
                )
            )
    return found


async def fill(log: Client, runs: int) -> list[AnyRecorded]:
    """Append the facts of so many runs, interleaved; return the log."""
    lives = [happened(uuid4(), number % 5) for number in range(runs)]
    entries: list[AnyRecorded] = []
    while lives := [life for life in lives if life]:
        turn = [life.pop(0) for life in lives]
        for start in range(0, len(turn), 100):
            some = turn[start : start + 100]
            positions = await asyncio.gather(*(store(log, entry) for entry in some))
            entries += [replace(e, position=p) for e, p in zip(some, positions, strict=True)]
    return sorted(entries, key=lambda entry: entry.position)


async def store(log: Client, entry: AnyRecorded) -> int:
    headers, body = codec.encode(entry)
    answer = await log.request(subject(entry.aggregate), body, headers=headers, timeout=20)
    return int(json.loads(answer.data)["seq"])


def expected(entries: Sequence[AnyRecorded]) -> Tables:
    """Return the tables that follow from the log, by comfyd's own fold."""
    by_run: dict[str, list[AnyRecorded]] = {}
    for entry in entries:
        by_run.setdefault(entry.aggregate, []).append(entry)
    runs, files = [], []
    for name, life in by_run.items():
        run = RUN.fold([entry.event for entry in life])
        assert run is not None
        took, error = run.ending, run.error
        runs.append(
            (
                name.removeprefix("run-"),
                run.status if run.ended else "open",
                took.machine_name or None if took else None,
                error.code if error else None,
                (error.message or None) if error else None,
                took.gpu_seconds if took else None,
                run.erased_at is not None,
            )
        )
        files += [
            (str(run.id), None if run.erased_at else output.name, upload.key or None, upload.bytes)
            for output in run.outputs
            if (upload := run.uploads.get(output.index))
        ]
    return sorted(runs), sorted(files, key=str)


def tables(file: Path) -> Tables:
    with sqlite3.connect(file) as db:
        runs = db.execute(
            "SELECT run, status, machine, error, message, gpu_seconds, erased IS NOT NULL FROM runs"
        ).fetchall()
        files = db.execute("SELECT run, name, object_key, bytes FROM files").fetchall()
    db.close()
    return sorted(runs), sorted(files, key=str)


def position(file: Path) -> int:
    if not file.exists():
        return 0
    db = sqlite3.connect(file, timeout=10)
    try:
        found = db.execute("SELECT position FROM place").fetchone()
    except sqlite3.OperationalError:
        return 0  # it is not as far as to have its tables
    else:
        return int(found[0]) if found else 0
    finally:
        db.close()


def start(program: Path, file: Path, url: str) -> Popen[bytes]:
    env = {"PATH": os.environ["PATH"], "NATS_URL": url}
    return Popen([sys.executable, str(program), str(file)], env=env)


def wait_for(file: Path, wanted: int, process: Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while position(file) < wanted:
        assert process.poll() is None, "the warehouse ended"
        assert time.monotonic() < deadline, f"it stands at {position(file)}"
        time.sleep(0.01)
