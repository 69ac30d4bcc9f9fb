"""How the list of runs shows a run."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from app.pages.i18n.words import TROUBLE, reason_text
from app.reads.runs.thumbnails import thumbnail_of
from events.run.progress import Progress
from events.run.state import Run, Upload
from infra.s3.urls import page_url
from infra.settings.settings import Spaces

_SHOWN = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"})


class Picture(Struct, frozen=True, kw_only=True):
    """The first image of a run."""

    url: str
    """Relative to the root of the pages, or absolute."""

    small: str
    """Its thumbnail, or itself where it has none."""

    width: int
    height: int


class RunLine(Struct, frozen=True, kw_only=True):
    """A run as a line of the list."""

    run: Run
    machine: str
    waits: str
    """What it waits for; empty while it does not."""

    trouble: bool
    progress: Progress | None
    picture: Picture | None
    seconds: float | None
    """From its acceptance to its end, or to now."""


def run_line(
    run: Run,
    progress: Progress | None,
    *,
    machines: Mapping[UUID, str],
    spaces: Spaces,
    language: str,
    now: datetime,
) -> RunLine:
    """Show a run."""
    machine = run.machine_name or machines.get(run.machine_id, "") or str(run.machine_id)[:8]
    reason = run.waits_for
    return RunLine(
        run=run,
        machine=machine,
        waits=reason_text(reason, machine, language) if reason else "",
        trouble=reason in TROUBLE,
        progress=progress,
        picture=_picture(run, spaces),
        seconds=((run.ended_at or now) - run.created_at).total_seconds(),
    )


def _picture(run: Run, spaces: Spaces) -> Picture | None:
    for output in run.outputs:
        upload = run.uploads.get(output.index)
        if upload is not None and _is_shown(upload):
            return Picture(
                url=page_url(spaces, upload.key),
                small=page_url(spaces, thumbnail_of(run, upload) or upload.key),
                width=upload.width or 1,
                height=upload.height or 1,
            )
    return None


def _is_shown(upload: Upload) -> bool:
    return bool(upload.key) and upload.media_type in _SHOWN
