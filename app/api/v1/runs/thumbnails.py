"""/v1/runs/{run_id}/thumbnails: have those made that are missing."""

from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.api.requests import identifier
from app.api.v1.runs.views import RunView, run_view
from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ, needs
from app.commands.runs.lost_thumbnails import LostThumbnails
from app.reads.runs.runs import RunReads


@post(
    "/v1/runs/{run_id:str}/thumbnails",
    operation_id="makeThumbnails",
    status_code=202,
    opt=needs(RUNS_READ, per_deployment=True),
)
async def make_thumbnails(
    run_reads: NamedDependency[RunReads],
    lost_thumbnails: NamedDependency[LostThumbnails],
    caller: NamedDependency[Caller],
    run_id: FromPath[str],
) -> RunView:
    """Make the thumbnails of a run that are missing: they were lost, or the run is an old one.

    They are there within seconds, at the addresses that the answer shows. A new run needs no such
    request. A repeated request within ten minutes is answered, and does nothing more.
    """
    found = await lost_thumbnails.request(caller, identifier(run_id))
    return run_view(found.run, found.position, run_reads.spaces, found.progress)


ROUTES = [make_thumbnails]
