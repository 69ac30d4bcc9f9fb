"""What the classic dialect shows to everyone: its description, and where files are."""

from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import FromQuery
from litestar.response import Redirect

from app.openapi import errors, response
from app.openapi.answers import ANY_TYPE
from app.openapi.document import whole_document
from app.reads.runs.runs import RunReads
from events.errors import NotFound
from infra.offload import in_thread
from infra.s3.keys import is_output
from infra.s3.urls import public_url

PREFIX = "/api"


@get(
    "/api/view",
    operation_id="viewClassicFile",
    status_code=307,
    responses=response(307, Any, "Where the file is.", media_type=ANY_TYPE) | errors("not_found"),
)
async def view(state: State, file: FromQuery[str]) -> Redirect:
    """Lead to an output of a run by its key; no credential is needed."""
    if not is_output(file):
        raise NotFound("no output of a run has this address")
    run_reads: RunReads = state.run_reads
    return Redirect(public_url(run_reads.spaces, file), status_code=307)


@get("/api/doc", include_in_schema=False)
async def doc(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """Describe the classic routes, as OpenAPI 3.1."""
    return Response(classic_part(await in_thread(whole_document, request.app)))


def classic_part(document: dict[str, Any]) -> dict[str, Any]:
    """Return the description of the classic routes alone, with addresses below theirs."""
    paths = {
        path.removeprefix(PREFIX): item
        for path, item in document["paths"].items()
        if path.startswith(f"{PREFIX}/")
    }
    return {**document, "servers": [{"url": PREFIX}], "paths": paths}


ROUTES = [view, doc]
