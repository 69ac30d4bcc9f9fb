"""/v1/runs/{run_id}/erase: erase what is private in a run; its numbers stay."""

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.api.requests import identifier
from app.api.v1.runs.views import RunView, run_view
from app.auth.caller import Caller
from app.auth.scopes import RUNS_WRITE, needs
from app.commands.runs.run_changes import RunChanges
from app.openapi import errors, response
from app.reads.runs.runs import RunReads


@post(
    "/v1/runs/{run_id:str}/erase",
    operation_id="eraseRun",
    status_code=202,
    opt=needs(RUNS_WRITE, per_deployment=True),
    responses=response(200, RunView, "The run, whose private data is deleted.")
    | errors("run_not_ended"),
)
async def erase(
    run_reads: NamedDependency[RunReads],
    run_changes: NamedDependency[RunChanges],
    caller: NamedDependency[Caller],
    run_id: FromPath[str],
) -> Response[RunView]:
    """Erase inputs, texts, files and messages of a run that has ended; asking again is harmless.

    From this answer on none of it is shown. A worker deletes it wherever it is kept:
    `erasure` is `done` when all of it is deleted.
    """
    found = await run_changes.erase_run(caller, identifier(run_id))
    view = run_view(found.run, found.position, run_reads.spaces)
    return Response(content=view, status_code=200 if found.run.deleted_at else 202)


ROUTES = [erase]
