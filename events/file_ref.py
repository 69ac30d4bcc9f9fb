"""A file in object storage, in the one form in which the parts of comfyd pass it on."""

from msgspec import Struct


class FileRef(Struct, frozen=True, kw_only=True):
    """The key of a stored file, and what the file is."""

    key: str
    media_type: str
    bytes: int
    sha256: str
    """Of the content, in hex."""

    width: int | None = None
    """Of an image, in pixels; None: it is no image, or its size is unknown."""

    height: int | None = None
