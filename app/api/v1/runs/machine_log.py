"""/v1/runs/{run_id}/machine-log: what the machine of a run logged."""

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from app.api.requests import identifier
from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ, needs
from app.reads.runs.machine_logs import MachineLog, MachineLogReads


class MachineLogsView(Struct, frozen=True, kw_only=True):
    """What machines logged of a run, by attempt; attempts without a log are left out."""

    data: list[MachineLog]


@get(
    "/v1/runs/{run_id:str}/machine-log",
    operation_id="getRunMachineLog",
    opt=needs(RUNS_READ, per_deployment=True),
)
async def read(
    machine_log_reads: NamedDependency[MachineLogReads],
    caller: NamedDependency[Caller],
    run_id: FromPath[str],
) -> MachineLogsView:
    """Read what the machine of a run logged, where it sends that: few do.

    Of each attempt the end of the log, at most 100,000 characters.
    """
    return MachineLogsView(data=await machine_log_reads.of_run(caller, identifier(run_id)))


ROUTES = [read]
