"""Files of runs: how they are passed on, and named on machines and in object storage."""

from collections.abc import Container
from unicodedata import category
from uuid import UUID

from msgspec import Struct

_FOLDER = "comfyd"
_NAME_BYTES = 200
_EXTENSION_BYTES = 20
_DEFAULT_PREFIX = "ComfyUI"
_DEEPEST = 8
"""Parts of a prefix that are kept: with 200 bytes each they fit into any path."""


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


def own_prefix(prompt_id: UUID, prefix: str) -> str:
    """Move a filename_prefix into the prompt's own folder, from which it cannot climb out.

    ComfyUI saves files whose names hold two dots in a row, and then refuses to hand them out.
    """
    named = (_one_dot(part) for part in _clean(prefix).replace("\\", "/").split("/"))
    parts = [_fitted(part, "") for part in named if part.strip(" .")]
    # Of too many the folders are left out, not the file's own name.
    parts = parts[: _DEEPEST - 1] + parts[_DEEPEST - 1 :][-1:]
    return "/".join([_FOLDER, str(prompt_id), *(parts or [_DEFAULT_PREFIX])])


def shown_subfolder(subfolder: str, prompt_id: UUID) -> str:
    """Return a subfolder as the workflow's author knows it: without the prompt's own folder."""
    parts = _parts(subfolder)
    return "/".join(parts[2:]) if parts[:2] == [_FOLDER, str(prompt_id)] else subfolder


def place_of(filename: str, subfolder: str, prompt_id: UUID) -> tuple[str, str]:
    """Return a file's subfolder and bare name, also where a node writes both into the name.

    Such nodes work outside of comfyd, since there the prefix has no folder.
    """
    folder, slash, name = filename.replace("\\", "/").rpartition("/")
    own = _parts(folder)[:2] == [_FOLDER, str(prompt_id)]
    return (folder, name) if slash and own else (subfolder, filename)


def is_foreign(subfolder: str, prompt_id: UUID) -> bool:
    """Whether a subfolder belongs to another prompt, perhaps of another tenant."""
    parts = _parts(subfolder)
    if ".." in parts:  # An honest node has no reason to climb.
        return True
    return len(parts) > 1 and parts[0].lower() == _FOLDER and parts[1] != str(prompt_id)


def _parts(subfolder: str) -> list[str]:
    return [part for part in subfolder.replace("\\", "/").split("/") if part not in {"", "."}]


def stored_name(filename: str, *, distinction: str, taken: Container[str]) -> str:
    """Return a name for object storage that is safe in a key and not among *taken*.

    It is the filename itself where that is possible; else *distinction* comes before its extension.
    """
    stem, extension = _split(_safe(filename) or "file")
    name = _fitted(stem, extension)
    count = 1
    while name in taken:
        counted = f"-{count}" if count > 1 else ""
        name = _fitted(stem, f"-{_safe(distinction)}{counted}{extension}")
        count += 1
    return name


def _safe(name: str) -> str:
    name = _one_dot(_clean(name).replace("/", "_").replace("\\", "_").strip(" "))
    return "" if name == "." else name


def _one_dot(name: str) -> str:
    while ".." in name:
        name = name.replace("..", ".")
    return name


def _clean(text: str) -> str:
    """Drop what cannot be seen: control characters, marks of direction, halves of characters."""
    return "".join(c for c in text if not category(c).startswith("C"))


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > _EXTENSION_BYTES:
        return name, ""
    return stem, dot + extension


def _fitted(stem: str, ending: str) -> str:
    room = max(_NAME_BYTES - len(ending.encode()), 1)
    return stem.encode()[:room].decode(errors="ignore").rstrip(".") + ending
