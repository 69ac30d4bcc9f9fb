"""/v1/doctor: whether everything the server depends on is well."""

from litestar import get
from litestar.di import NamedDependency

from app.auth.caller import Caller
from app.auth.scopes import ADMIN, needs
from app.doctor.checks.check import Diagnosis
from app.doctor.doctor import Doctor


@get("/v1/doctor", operation_id="getDoctor", opt=needs(ADMIN))
async def doctor(
    doctor_checks: NamedDependency[Doctor],
    caller: NamedDependency[Caller],
    language: NamedDependency[str],
) -> Diagnosis:
    """Look at the log, Postgres, object storage, the clock and the machines; faults have fixes."""
    return await doctor_checks.diagnose(caller, language)


ROUTES = [doctor]
