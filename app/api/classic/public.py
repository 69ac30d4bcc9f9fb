"""What the classic dialect shows to everyone, where it may: its description, where files are."""

from typing import Any

from litestar import Request, Response, get
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers.base import BaseRouteHandler
from litestar.params import FromQuery
from litestar.response import Redirect

from app.auth.guard import authorise
from app.auth.scopes import RUNS_READ, needs
from app.http.strict_requests import refuse_unknown_parameters
from app.limits.rate_limit_guard import limit_credential
from app.openapi import errors, response
from app.openapi.answers import ANY_TYPE
from app.openapi.document import whole_document
from app.reads.runs.runs import RunReads
from events.errors import NotFound
from infra.offload import in_thread
from infra.s3.keys import run_of
from infra.s3.urls import public_url
from infra.settings.settings import Spaces

PREFIX = "/api"


async def authorise_unless_public(
    connection: ASGIConnection[Any, Any, Any, Any], route: BaseRouteHandler
) -> None:
    """Authorise the caller where comfyd serves outputs itself; a public bucket hides none.

    Raises:
        Unauthorized, ScopeMissing, LogUnavailable, IdentityProviderUnavailable: see `authorise`.

    """
    if _spaces(connection.app.state).files_url:
        await authorise(connection, route)


@get(
    "/api/view",
    operation_id="viewClassicFile",
    status_code=307,
    opt=needs(RUNS_READ, per_deployment=True),
    guards=[authorise_unless_public, limit_credential, refuse_unknown_parameters],
    responses=response(307, Any, "Where the file is.", media_type=ANY_TYPE) | errors("not_found"),
)
async def view(request: Request[Any, Any, Any], state: State, file: FromQuery[str]) -> Redirect:
    """Lead to an output of a run by its key.

    Where outputs lie in a public bucket, no credential is needed: the address follows from the
    key. Where comfyd serves them itself, it has a signature, so only those who may read the run are
    led there.
    """
    run_id = run_of(file)
    if run_id is None:
        raise NotFound("no output of a run has this address")
    if caller := request.scope["state"].get("caller"):
        run_reads: RunReads = state.run_reads
        await run_reads.find(caller, run_id)
    return Redirect(public_url(_spaces(state), file), status_code=307)


def _spaces(state: State) -> Spaces:
    run_reads: RunReads = state.run_reads
    return run_reads.spaces


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
