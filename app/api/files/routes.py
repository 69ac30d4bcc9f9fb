"""/files/{key}: outputs of runs, for everyone who has their address, as from a public bucket.

One origin for all: where comfyd runs its own storage, one port that is forwarded is enough.
"""

from typing import Annotated, Any

from litestar import Response, get, head
from litestar.datastructures import State
from litestar.params import FromPath, HeaderParameter

from app.api.files.transfer import FileResponse
from app.http.byte_ranges import continues, is_known, span_in
from app.openapi import errors, headers, response
from app.openapi.answers import ANY_TYPE
from app.reads.runs.files import OutputFile, OutputFiles
from infra.s3.port import Span
from infra.s3.reading import Readers
from infra.s3.served_types import disposition_of, type_beside_pages
from infra.s3.urls import FILES

CACHE = "private, max-age=86400, immutable"
"""An address stands for one content; but no cache that others share may keep what can be erased."""

_SHOWN = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
"""What a browser's own page around a picture or a film needs."""

_SAVED = "default-src 'none'; sandbox"
_NO_FRAME = "; frame-ancestors 'none'"

_OPTIONS: dict[str, Any] = {
    "response_headers": headers(
        "Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Length", "ETag"
    ),
    "media_type": ANY_TYPE,
    "responses": response(206, Any, "The part that was wanted.", media_type=ANY_TYPE)
    | response(304, None, "Nothing has changed.")
    | errors(
        "not_found",
        "range_not_satisfiable",
        "log_unavailable",
        "storage_unavailable",
        "storage_refused",
        "files_busy",
    ),
}


@get(f"{FILES}/{{key:path}}", operation_id="getFile", **_OPTIONS)
async def read(
    state: State,
    key: FromPath[str],
    range_: Annotated[str | None, HeaderParameter(name="Range")] = None,
    if_range: Annotated[str | None, HeaderParameter(name="If-Range")] = None,
    if_none_match: Annotated[str | None, HeaderParameter(name="If-None-Match")] = None,
) -> Response[Any]:
    """Fetch an output of a run by the address that the run shows; no credential is needed.

    One range of bytes can be wanted. What a browser could run is saved instead of shown.
    """
    found = await _find(state, key)
    if is_known(if_none_match or "", _etag(found)):
        return Response(content=b"", status_code=304, headers=_validity(found))
    span = span_in(range_ or "", found.bytes) if continues(if_range or "", _etag(found)) else None
    return _answer(found, _readers(state), span)


@head(f"{FILES}/{{key:path}}", include_in_schema=False)
async def look(
    state: State,
    key: FromPath[str],
    if_none_match: Annotated[str | None, HeaderParameter(name="If-None-Match")] = None,
) -> Response[None]:
    """Answer as to a GET of the whole file, without the file."""
    found = await _find(state, key)
    if is_known(if_none_match or "", _etag(found)):
        return Response(content=None, status_code=304, headers=_validity(found))
    return _answer(found, _readers(state), None)


async def _find(state: State, key: str) -> OutputFile:
    files: OutputFiles = state.output_files
    return await files.find(key.removeprefix("/"))


def _readers(state: State) -> Readers:
    readers: Readers = state.file_readers
    return readers


def _answer(found: OutputFile, readers: Readers, span: Span | None) -> FileResponse:
    length = span.length if span else found.bytes
    name = found.key.rpartition("/")[2]
    described = _validity(found) | {
        "Accept-Ranges": "bytes",
        "Content-Type": type_beside_pages(found.media_type),
        "Content-Length": str(length),
        "Content-Disposition": disposition_of(found.media_type, name=name),
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if span:
        described["Content-Range"] = f"bytes {span.first}-{span.last}/{found.bytes}"
    whole = Span(first=0, last=found.bytes - 1) if found.bytes else None
    reader = readers.open(found.key, span or whole)
    return FileResponse(reader, status_code=206 if span else 200, headers=described)


def _validity(found: OutputFile) -> dict[str, str]:
    """Return what also an answer says that nothing has changed: it replaces what was kept."""
    shown = disposition_of(found.media_type) == "inline"
    return {
        "ETag": _etag(found),
        "Cache-Control": CACHE,
        "Content-Security-Policy": (_SHOWN if shown else _SAVED) + _NO_FRAME,
        # Also where no Origin is sent: a page that has shown the file takes it from its cache when
        # it reads it, with the headers of then.
        "Access-Control-Allow-Origin": "*",
    }


def _etag(found: OutputFile) -> str:
    return f'"{found.sha256}"'


ROUTES = [read, look]
