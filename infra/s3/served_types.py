"""Media types of stored files: which one a file has, and whether a browser may show it.

Files come from machines, and everyone who knows a URL may open it. What a browser would run in
the storage's origin (HTML, SVG, XML, PDF and all that is not known) is downloaded, never shown.
"""

import re
from urllib.parse import quote

UNKNOWN_TYPE = "application/octet-stream"

SHOWN_INLINE = frozenset(
    {
        *(f"image/{kind}" for kind in ("png", "jpeg", "webp", "gif", "avif", "bmp", "tiff")),
        *(f"video/{kind}" for kind in ("mp4", "webm", "ogg", "quicktime", "x-matroska")),
        *(f"audio/{kind}" for kind in ("mpeg", "mp4", "aac", "ogg", "opus", "webm")),
        *(f"audio/{kind}" for kind in ("wav", "x-wav", "wave", "flac", "x-flac")),
        "text/plain",
    }
)
"""Raster images, video, audio and plain text: nothing in them can be a script."""

_OF_PAGES = re.compile(r"(java|ecma|live|j)script|css")
"""Types of scripts (RFC 9239 and the older ones that browsers run) and of styles."""

_ACTIVE = re.compile(r"html|xml|svg|pdf|script|css|multipart|message")
"""In the names of types that browsers open as pages, or run."""

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
"""Names of types as RFC 6838 §4.2 allows them, in small letters."""


def media_type_in(header: str) -> str:
    """Return the bare media type that a Content-Type holds; octet-stream if it holds none."""
    bare = header.partition(";")[0].strip().lower()
    return bare if _MEDIA_TYPE.fullmatch(bare) else UNKNOWN_TYPE


def may_be_put(media_type: str) -> bool:
    """Whether others may store a file as this type: a browser that opens it runs nothing of it."""
    return media_type_in(media_type) == media_type and not _ACTIVE.search(media_type)


def disposition_of(media_type: str, *, name: str = "") -> str:
    """Return the Content-Disposition of a file: with the *name* that it is saved under, if any.

    Objects are stored without one, since their address ends with it. Names of other than plain
    letters are percent-encoded (RFC 6266).
    """
    shown = "inline" if media_type in SHOWN_INLINE else "attachment"
    if not name:
        return shown
    encoded = quote(name, safe="")
    saved_as = f'filename="{name}"' if encoded == name else f"filename*=UTF-8''{encoded}"
    return f"{shown}; {saved_as}"


def type_beside_pages(media_type: str) -> str:
    """Return the Content-Type of a file in the origin of our own pages.

    Pages take scripts and styles from their origin, but with `nosniff` only those that are called
    so: a file of a machine is none. Text is UTF-8, which browsers do not guess.
    """
    if _OF_PAGES.search(media_type):
        return UNKNOWN_TYPE
    return f"{media_type}; charset=utf-8" if media_type == "text/plain" else media_type
