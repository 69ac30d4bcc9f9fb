"""The start page, and the part of it that changes."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ, needs
from app.pages.shell.shell import Shell


@get("/", opt=needs(RUNS_READ, per_deployment=True))
async def home(
    shell: NamedDependency[Shell], page_caller: NamedDependency[Caller]
) -> Response[Any]:
    """Show what goes on."""
    return shell.page("home.html", current="home", caller=page_caller)


@get("/overview", opt=needs(RUNS_READ, per_deployment=True))
async def overview(
    shell: NamedDependency[Shell], page_caller: NamedDependency[Caller]
) -> Response[Any]:
    """Show what of the start page changes."""
    return shell.page("home/overview.html", current="home", caller=page_caller)
