"""The page of one run: where it stands, what came out, and what happened to it and why."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ, needs
from app.pages.caller import may_change_runs
from app.pages.runs.names import machine_names
from app.pages.runs.rows import Picture, RunLine, picture_of, run_line
from app.pages.runs.selected import Action, why_not
from app.pages.shell.shell import Shell
from app.reads.machines import MachineReads
from app.reads.owned import not_found
from app.reads.runs.runs import RunReads
from app.reads.runs.timeline_texts import EventText, event_text
from events.aggregates import RUN
from events.run.redaction import redact
from events.run.state import Run
from infra.s3.urls import page_url
from infra.settings.settings import Spaces


class File(Struct, frozen=True, kw_only=True):
    """A stored output."""

    name: str
    url: str
    """Relative to the root of the pages, or absolute."""

    picture: Picture | None


class Entry(Struct, frozen=True, kw_only=True):
    """One thing that happened."""

    at: datetime
    text: EventText


class RunView(Struct, frozen=True, kw_only=True):
    """What the page shows."""

    line: RunLine
    files: Sequence[File]
    texts: Sequence[str]
    entries: Sequence[Entry]
    actions: Sequence[Action]
    """What the caller can do with it now."""


@get("/runs/{run_id:str}", opt=needs(RUNS_READ, per_deployment=True))
async def run(
    shell: NamedDependency[Shell],
    page_caller: NamedDependency[Caller],
    run_reads: NamedDependency[RunReads],
    machine_reads: NamedDependency[MachineReads],
    run_id: FromPath[str],
) -> Response[Any]:
    """Show a run."""
    identifier = _identifier(run_id)
    found = await run_reads.find(page_caller, identifier)
    past = redact(await run_reads.events(page_caller, identifier))
    machines = await machine_names(machine_reads, page_caller)
    language = shell.preferences.language
    view = RunView(
        line=run_line(
            found.run,
            found.progress,
            machines=machines,
            spaces=run_reads.spaces,
            language=language,
            now=shell.formats.now,
        ),
        files=_files(found.run, run_reads.spaces),
        texts=[output.text for output in found.run.outputs if output.text],
        entries=[
            Entry(at=one.event.at, text=event_text(one.event, language, machines)) for one in past
        ],
        actions=_actions(found.run, page_caller, language),
    )
    return shell.page("run.html", current="runs", caller=page_caller, view=view)


def _identifier(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise not_found(RUN.kind) from None


def _files(run: Run, spaces: Spaces) -> list[File]:
    stored = ((output, run.uploads.get(output.index)) for output in run.outputs)
    return [
        File(
            name=output.filename,
            url=page_url(spaces, upload.key),
            picture=picture_of(run, upload, spaces),
        )
        for output, upload in stored
        if upload and upload.key
    ]


def _actions(run: Run, caller: Caller, language: str) -> list[Action]:
    if not may_change_runs(caller):
        return []
    return [action for action in Action if not why_not(action, run, language)]
