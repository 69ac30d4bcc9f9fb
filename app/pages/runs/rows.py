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

_IMAGES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"})


class Picture(Struct, frozen=True, kw_only=True):
    """An image of a run."""

    url: str
    """Relative to the root of the pages, or absolute."""

    small: str
    """Its thumbnail, or itself where it has none."""

    whole: str
    """What is shown while its thumbnail is not there; nothing for a film."""

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
        picture=_first_picture(run, spaces),
        seconds=((run.ended_at or now) - run.created_at).total_seconds(),
    )


def picture_of(run: Run, upload: Upload, spaces: Spaces) -> Picture | None:
    """Return what an <img> shows of an output; None: nothing, or it is erased.

    Of a film that is its first frame, once the run has ended.
    """
    whole = upload.key if upload.media_type in _IMAGES else ""
    small = thumbnail_of(run, upload) or whole
    if not small:
        return None
    return Picture(
        url=page_url(spaces, upload.key),
        small=page_url(spaces, small),
        whole=page_url(spaces, whole) if whole else "",
        width=upload.width or 1,
        height=upload.height or 1,
    )


def _first_picture(run: Run, spaces: Spaces) -> Picture | None:
    stored = (run.uploads.get(output.index) for output in run.outputs)
    shown = (picture_of(run, upload, spaces) for upload in stored if upload)
    return next(filter(None, shown), None)
