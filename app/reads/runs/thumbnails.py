"""The keys of thumbnails, which follow from what is stored of a run."""

from events.run.state import Run, Upload
from events.run.thumbnails import LONGEST_SIDE, has_thumbnail
from infra.s3.keys import thumbnail_key


def thumbnail_of(run: Run, upload: Upload) -> str | None:
    """Return the key of an output's thumbnail, which is there seconds after the end of the run.

    None: the run has not ended, or it is no image that gets one.
    """
    if not (run.ended and has_thumbnail(upload)):
        return None
    return thumbnail_key(run.id, upload.sha256, side=LONGEST_SIDE)
