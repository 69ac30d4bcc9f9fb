"""/v1/runs/{run_id}/erase: erase what is private in a run; its numbers stay."""

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.api.v1.requests import identifier
from app.api.v1.run_views import RunView, run_view
from app.auth.caller import Caller
from app.auth.scopes import RUNS_WRITE, needs
from app.find_run import run_session
from app.house import House
from app.openapi import errors, response
from events.run.commands import EraseRun


@post(
    "/v1/runs/{run_id:str}/erase",
    operation_id="eraseRun",
    status_code=202,
    opt=needs(RUNS_WRITE, per_deployment=True),
    responses=response(200, RunView, "The run, whose private data is deleted.")
    | errors("run_not_ended"),
)
async def erase(
    house: NamedDependency[House], caller: NamedDependency[Caller], run_id: FromPath[str]
) -> Response[RunView]:
    """Erase inputs, texts, files and messages of a run that has ended; asking again is harmless.

    From this answer on nobody is shown any of it. A worker deletes it wherever it is kept:
    `erasure` tells when that is done.
    """
    session = await run_session(house, caller, identifier(run_id))
    command = EraseRun(reason="request", by=caller.actor, now=house.now())
    await session.execute(command, house.meta(caller))
    run = session.existing
    house.recent_runs.note(run.id, session.position)
    view = run_view(run, session.position, house.settings.spaces)
    return Response(content=view, status_code=200 if run.deleted_at else 202)


ROUTES = [erase]
