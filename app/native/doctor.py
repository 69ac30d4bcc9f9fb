"""/v1/doctor: whether everything the server depends on is well."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency

from app.auth import Caller
from app.doctor import Diagnosis, diagnose
from app.house import House
from app.language import language_of
from app.scopes import ADMIN, needs


@get("/v1/doctor", opt=needs(ADMIN))
async def doctor(
    request: Request[Any, Any, Any], house: NamedDependency[House], caller: NamedDependency[Caller]
) -> Diagnosis:
    """Look at the log, Postgres, object storage, the clock and the machines; faults have fixes."""
    return await diagnose(house, caller, language_of(request.headers.get("accept-language", "")))


ROUTES = [doctor]
