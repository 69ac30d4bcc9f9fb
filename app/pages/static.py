"""Styles and scripts of the pages: served under an address that changes with their content.

One digest stands for all of them, so modules and styles name each other by relative addresses.
"""

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from msgspec import Struct

FOLDER = Path(__file__).parent / "assets"
PATH = "/assets"

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache"
"""For an address of another version: an API beside this one, or one that is gone, has made it."""

_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


class Asset(Struct, frozen=True, kw_only=True):
    """A file as it is sent."""

    media_type: str
    content: bytes
    compressed: bytes


def read_assets(folder: Path = FOLDER) -> Mapping[str, Asset]:
    """Read the files of *folder* that browsers load, by their relative paths."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in _TYPES:
            content = path.read_bytes()
            found[path.relative_to(folder).as_posix()] = Asset(
                media_type=_TYPES[path.suffix],
                content=content,
                compressed=gzip.compress(content, mtime=0),
            )
    return found


def digest_of(assets: Mapping[str, Asset]) -> str:
    """Return a short digest of names and contents."""
    summed = hashlib.sha256()
    for name, asset in sorted(assets.items()):
        summed.update(f"{name}\0{len(asset.content)}\0".encode() + asset.content)
    return summed.hexdigest()[:16]


ASSETS = read_assets()
DIGEST = digest_of(ASSETS)


def asset_path(name: str) -> str:
    """Return the path of an asset, without the slash at its beginning.

    Raises:
        KeyError: there is none of this name; a mistake in a template.

    """
    ASSETS[name]
    return f"{PATH[1:]}/{DIGEST}/{name}"


@get(f"{PATH}/{{digest:str}}/{{name:path}}", include_in_schema=False, sync_to_thread=False)
def asset(
    request: Request[Any, Any, Any], digest: FromPath[str], name: FromPath[str]
) -> Response[bytes]:
    """Return a style or a script, compressed where the browser takes that."""
    found = ASSETS.get(name.removeprefix("/"))
    if found is None:
        raise NotFoundException
    headers = {
        "Cache-Control": IMMUTABLE if digest == DIGEST else REVALIDATED,
        "Vary": "Accept-Encoding",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(found.compressed, media_type=found.media_type, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)
