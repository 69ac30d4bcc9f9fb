"""Which outputs of a run have a thumbnail. It follows from what is stored, so no fact says so."""

from events.files import FileRef
from events.run.state import Run, Upload

LONGEST_SIDE = 384
"""Pixels: two for each of a list's, on a screen of high density."""

THUMBNAIL_TYPE = "image/webp"
MEDIA_TYPES = frozenset(
    {
        *(f"image/{kind}" for kind in ("png", "jpeg", "webp", "gif", "avif")),
        *(f"video/{kind}" for kind in ("mp4", "webm", "quicktime", "x-matroska")),
    }
)
"""What is decoded on every machine. Of what moves, the first frame is shown."""

MOST_BYTES = 64 * 1024 * 1024
MOST_PIXELS = 50_000_000
_MOST_PIXELS_OF = {"image/webp": 30_000_000, "image/avif": 30_000_000}
"""Larger images have none: their decoder may take half a gigabyte of memory. That is 4 bytes for
each pixel of most images, and 16 for those of these two."""


def thumbnailed(run: Run) -> list[Upload]:
    """Return the stored outputs of an ended run that have a thumbnail, each content once."""
    files = run.uploads.values() if run.ended else ()
    return list({file.sha256: file for file in files if has_thumbnail(file)}.values())


def has_thumbnail(file: FileRef) -> bool:
    """Whether a file is an image or a film of a kind and size that gets a thumbnail."""
    pixels = (file.width or 0) * (file.height or 0)
    return (
        file.media_type in MEDIA_TYPES
        and bool(file.sha256)  # the content of an erased file is not known any more
        and file.bytes <= MOST_BYTES
        and pixels <= _MOST_PIXELS_OF.get(file.media_type, MOST_PIXELS)
    )
